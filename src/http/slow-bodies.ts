import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';

/** How slow the body of a request may be. */
export interface BodyPace {
  /** Least average rate, in bytes per second: a tenth of what the slowest phone networks still carry. */
  readonly bytesPerSecondMin: number;
  /** Time that is averaged over, in milliseconds. A body may stall for less without any harm. */
  readonly windowMs: number;
}

export const BODY_PACE: BodyPace = { bytesPerSecondMin: 1024, windowMs: 60_000 };
const LOOK_EVERY_MS = 1_000;
/** Time for the refusal to reach the client, in milliseconds; then the connection is gone. */
const FAREWELL_MS = 2_000;

interface Arriving {
  readonly request: IncomingMessage;
  /** How long we have waited for the client in this window, in milliseconds. */
  waitedMs: number;
  /** What the connection had received when the window began. */
  startBytes: number;
}

/**
 * Cuts bodies that trickle: one byte a minute keeps a connection from being idle, and a request in flight, for ever. Only
 * time in which we wait for the client counts, never that in which the client waits for our disk or store.
 */
export class SlowBodies {
  readonly #arriving = new Set<Arriving>();
  readonly #refuse: (error: Error & { code: string }, socket: Socket) => void;
  readonly #pace: BodyPace;

  /** @param refuse answers that the request did not arrive in time, and ends the connection. */
  constructor(refuse: (error: Error & { code: string }, socket: Socket) => void, pace: BodyPace = BODY_PACE) {
    this.#refuse = refuse;
    this.#pace = pace;
  }

  /** Watches the requests of a server, as long as it is open. */
  watch(server: Server): void {
    // Before the handler, which may read the body at once.
    server.prependListener('request', (request) => this.add(request));
    server.once('close', this.start());
  }

  /** Looks every second from now on. @returns ends that. */
  start(): () => void {
    const timer = setInterval(() => this.look(LOOK_EVERY_MS), LOOK_EVERY_MS);
    timer.unref();
    return () => clearInterval(timer);
  }

  /** Watches one request. */
  add(request: IncomingMessage): void {
    const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
    if (encoding === undefined && !(Number(length) > 0)) return;
    const arriving = { request, waitedMs: 0, startBytes: request.socket.bytesRead };
    this.#arriving.add(arriving);
    const forget = () => this.#arriving.delete(arriving);
    request.once('close', forget);
    request.once('end', forget);
  }

  /** Looks at all bodies on their way, `sinceMs` after the last look. */
  look(sinceMs: number): void {
    for (const arriving of this.#arriving) {
      if (!isAwaited(arriving.request)) continue;
      arriving.waitedMs += sinceMs;
      if (arriving.waitedMs < this.#pace.windowMs) continue;
      const { socket } = arriving.request;
      const bytes = socket.bytesRead - arriving.startBytes;
      if ((bytes * 1000) / arriving.waitedMs >= this.#pace.bytesPerSecondMin) {
        arriving.waitedMs = 0;
        arriving.startBytes = socket.bytesRead;
        continue;
      }
      this.#arriving.delete(arriving);
      this.#cut(socket);
    }
  }

  #cut(socket: Socket): void {
    const error = new Error('The body of a request came too slowly.');
    this.#refuse(Object.assign(error, { code: 'ERR_HTTP_REQUEST_TIMEOUT' }), socket);
    // What trickles on would keep the half that we have not closed.
    setTimeout(() => socket.destroy(), FAREWELL_MS).unref();
  }
}

/** Whether somebody reads the body, has all that came, and the connection is not held back. */
function isAwaited(request: IncomingMessage): boolean {
  if (request.complete || request.socket.isPaused() || request.readableLength > 0) return false;
  return request.readableFlowing === true || request.listenerCount('readable') > 0;
}
