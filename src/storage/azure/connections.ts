import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Duplex } from 'node:stream';
import { deadlineError } from '../faults.ts';
import { CONNECTIONS_MAX } from './options.ts';

/** Pooled connections to the store that fail soon when it can't be reached, instead of after the system's minutes. */
export function openConnections(protocol: string, connectMs: number): HttpAgent {
  const options = { keepAlive: true, maxSockets: CONNECTIONS_MAX, noDelay: true };
  const agent = protocol === 'https:' ? new HttpsAgent(options) : new HttpAgent(options);
  const connect = agent.createConnection.bind(agent);
  const ready = protocol === 'https:' ? 'secureConnect' : 'connect';
  agent.createConnection = (...asked: Parameters<HttpAgent['createConnection']>) => {
    const socket = connect(...asked);
    if (socket) giveUpUnless(socket, ready, connectMs);
    return socket;
  };
  return agent;
}

function giveUpUnless(socket: Duplex, ready: string, connectMs: number): void {
  const timer = setTimeout(
    () => socket.destroy(deadlineError('The connection was not opened in time.')),
    connectMs,
  );
  const settle = (): void => clearTimeout(timer);
  socket.once(ready, settle);
  socket.once('close', settle);
}
