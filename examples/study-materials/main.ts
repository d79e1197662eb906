import express, { type ErrorRequestHandler } from 'express';
import { listen } from '../shared/listen.ts';
import { pages } from '../shared/pages.ts';
import { type ExampleOptions, type RunningExample, runExample } from '../shared/run.ts';
import { signInRoutes } from '../shared/sign-in.ts';
import { remove } from './routes/delete.ts';
import { download } from './routes/download.ts';
import { list } from './routes/list.ts';
import { upload } from './routes/upload.ts';
import { openStorage } from './storage.ts';

/** Study materials: what a learner keeps, up to 50 MiB a file. */
export async function start(options: ExampleOptions): Promise<RunningExample> {
  let origin = '';
  const stowage = await openStorage(options, () => `${origin}/storage`);

  const app = express();
  app.use(signInRoutes(stowage));
  app.use('/storage', stowage.handler());
  app.post('/api/v1/user-content/upload', upload(stowage));
  app.get('/api/v1/user-content', list(stowage));
  app.get('/api/v1/user-content/download/:file_id', download(stowage));
  app.delete('/api/v1/user-content/:file_id', remove(stowage));
  app.use(pages(new URL('./page/', import.meta.url)));
  app.use(((error, request, response, next) => {
    if (!stowage.answerError(error, request, response)) next(error);
  }) satisfies ErrorRequestHandler);

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
