import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import type { Deps } from './deps.ts';
import { serverOf } from './server.ts';

/** The routes of a service without a server of their own: another server hands its requests over. */
export interface Mount {
  /** Answers one request; its URL is that of a service at the root. */
  handle(request: IncomingMessage, response: ServerResponse): void;
  /** Waits for what is being answered, at most 25 seconds. */
  close(): Promise<void>;
}

/** Longest wait for answers in flight, in milliseconds. */
const DRAIN_MS_MAX = 25_000;

/** Makes the routes, with the first request: a program that serves none does not pay for them. */
export function createMount(deps: Deps): Mount {
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
    handle(request, response) {
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
      await (await opening)?.close();
    },
  };
}
