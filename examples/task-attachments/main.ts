import express from 'express';
import { listen } from '../shared/listen.ts';
import { servePage } from '../shared/page.ts';
import { type ExampleOptions, type RunningExample, runExample } from '../shared/run.ts';
import { signInRoutes } from '../shared/sign-in.ts';
import { taskRoutes } from './routes.ts';
import { openStorage } from './storage.ts';

/** Starts the task manager. */
export async function start(options: ExampleOptions): Promise<RunningExample> {
  const page = await servePage({ title: 'Tasks', program: new URL('./page/page.tsx', import.meta.url) });
  let origin = '';
  const stowage = await openStorage(options, () => origin);
  const app = express();
  app.use(page);
  app.use(signInRoutes(stowage));
  app.use(taskRoutes(stowage));
  // On local disk the files themselves, by signed URLs; a bucket serves its own.
  app.use(stowage.handler());
  app.use(((error, request, response, next) => {
    if (!stowage.answerError(error, request, response)) next(error);
  }) satisfies express.ErrorRequestHandler);
  const server = await listen(app, options.port);
  origin = server.origin;
  return {
    origin,
    async close() {
      await server.close();
      await stowage.close();
    },
  };
}

if (import.meta.main) await runExample(start);
