import type { Server } from 'node:http';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';

/** Most connections open at once, of one process. Each costs some 10 KiB, and up to 32 KiB more while headers arrive. */
export const CONNECTIONS_MAX = 4096;
/** Share of the bound from which connections that wait for a next request make room. */
const CROWDED = 3 / 4;
/** Time between two such clearances, in milliseconds: each looks at every connection. */
const CLEAR_EVERY_MS = 1_000;
/** Time between two lines of the log about refused connections, in milliseconds: they come by the thousand. */
const TELL_EVERY_MS = 60_000;

export interface ConnectionBound {
  readonly connectionsMax: number;
  /** Ends the connections that are only kept for a next request. */
  readonly closeIdle: () => void;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Bounds the open connections of a server. Those over the bound are closed by Node as they are accepted, before anything of
 * ours is made for them, so they cost no memory. Before it comes to that, connections that are only kept for a next request
 * are closed: clients open them again.
 */
export function boundConnections(server: Server, bound: ConnectionBound): void {
  const { connectionsMax, clock, log } = bound;
  server.maxConnections = connectionsMax;
  let open = 0;
  let clearedMs = Number.NEGATIVE_INFINITY;
  server.on('connection', (socket) => {
    open += 1;
    socket.once('close', () => {
      open -= 1;
    });
    const nowMs = clock.now();
    if (open < connectionsMax * CROWDED || nowMs - clearedMs < CLEAR_EVERY_MS) return;
    clearedMs = nowMs;
    bound.closeIdle();
  });
  let refused = 0;
  let toldMs = Number.NEGATIVE_INFINITY;
  server.on('drop', () => {
    refused += 1;
    const nowMs = clock.now();
    if (nowMs - toldMs < TELL_EVERY_MS) return;
    toldMs = nowMs;
    log.warn({ refused, connections_max: connectionsMax }, 'Connections were refused: too many are open.');
    refused = 0;
  });
}
