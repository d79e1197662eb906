import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Duplex } from 'node:stream';
import { CONNECT_TIMEOUT_MS, CONNECTIONS_MAX } from './options.ts';

/** Pooled connections to the store that fail soon when it can't be reached, instead of after the system's minutes. */
export function openConnections(protocol: string): HttpAgent {
  const options = { keepAlive: true, maxSockets: CONNECTIONS_MAX, noDelay: true };
  const agent = protocol === 'https:' ? new HttpsAgent(options) : new HttpAgent(options);
  const connect = agent.createConnection.bind(agent);
  const ready = protocol === 'https:' ? 'secureConnect' : 'connect';
  agent.createConnection = (...asked: Parameters<HttpAgent['createConnection']>) => {
    const socket = connect(...asked);
    if (socket) giveUpUnless(socket, ready);
    return socket;
  };
  return agent;
}

function giveUpUnless(socket: Duplex, ready: string): void {
  const timer = setTimeout(
    () => socket.destroy(new Error('The connection was not opened in time.')),
    CONNECT_TIMEOUT_MS,
  );
  const settle = (): void => clearTimeout(timer);
  socket.once(ready, settle);
  socket.once('close', settle);
}
