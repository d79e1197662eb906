import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import type { Deps } from './deps.ts';
import { serverOf } from './server.ts';
import { type BodyPace, SlowBodies } from './slow-bodies.ts';

/** The routes of a service without a server of their own: another server hands its requests over. */
export interface Mount {
  /** Answers one request; its URL is that of a service at the root. */
  handle(request: IncomingMessage, response: ServerResponse): void;
  /** Cuts the connection when the body of a request trickles: hosts that take large uploads have no limit on their time. */
  watchBody(request: IncomingMessage): void;
  /** Waits for what is being answered, at most 25 seconds. */
  close(): Promise<void>;
}

/** Longest wait for answers in flight, in milliseconds. */
const DRAIN_MS_MAX = 25_000;

/** Makes the routes, with the first request: a program that serves none does not pay for them. */
export function createMount(deps: Deps, pace?: BodyPace): Mount {
  const bodies = new SlowBodies((_problem, socket) => socket.destroy(), pace);
  let stopLooking: (() => void) | undefined;
  const watchBody = (request: IncomingMessage): void => {
    stopLooking ??= bodies.start();
    bodies.add(request);
  };
  let opening: Promise<FastifyInstance> | undefined;
  let opened: FastifyInstance | undefined;
  let inFlight = 0;
  let whenIdle: (() => void) | undefined;
  const open = async (): Promise<FastifyInstance> => {
    const app = serverOf(deps);
    await app.ready();
    opened = app;
    return app;
  };
  return {
    watchBody,
    handle(request, response) {
      watchBody(request);
      inFlight += 1;
      response.once('close', () => {
        inFlight -= 1;
        if (inFlight === 0) whenIdle?.();
      });
      if (opened !== undefined) {
        opened.routing(request, response);
        return;
      }
      opening ??= open();
      opening.then(
        (app) => app.routing(request, response),
        (error: unknown) => {
          deps.log.error({ err: error }, 'The routes could not be made.');
          response.destroy();
        },
      );
    },
    async close() {
      if (inFlight > 0) {
        const { promise, resolve } = Promise.withResolvers<void>();
        whenIdle = resolve;
        const late = setTimeout(resolve, DRAIN_MS_MAX);
        await promise;
        clearTimeout(late);
      }
      stopLooking?.();
      await (await opening)?.close();
    },
  };
}
