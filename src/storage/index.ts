export type * from './backend.ts';
export { Bucket } from './bucket.ts';
export { openLocalBackend } from './local/backend.ts';
export type { LocalBackend, LocalBackendOptions, OpenObject, StaleMultipart } from './local/options.ts';
export type { RequestHandler } from './local/serve.ts';
export {
  createSignedUrls,
  expiredRead,
  type PartClaims,
  type ReadClaims,
  type SignedUrls,
  type WriteClaims,
} from './local/signed-urls.ts';
export { MemoryBackend, openMemoryBackend } from './memory/backend.ts';
export type { MemoryBackendOptions } from './memory/options.ts';
export { planParts } from './part-plan.ts';
