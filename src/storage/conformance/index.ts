export { type Trouble, type TroubledCall, withChaos } from './chaos.ts';
export { type BackendUnderTest, describeBackend, type OpenedBackend, tryLaw } from './describe-backend.ts';
export type { Law, LawSubject, Laws } from './law.ts';
export { LAWS } from './laws.ts';
export { type LoopbackServer, listenOnLoopback } from './loopback-server.ts';
