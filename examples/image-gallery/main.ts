import express, { type ErrorRequestHandler } from 'express';
import { listen } from '../shared/listen.ts';
import { servePage } from '../shared/page.ts';
import { type ExampleOptions, type RunningExample, runExample } from '../shared/run.ts';
import { signInRoutes } from '../shared/sign-in.ts';
import { galleryRoutes } from './routes.ts';
import { openStorage } from './storage.ts';

/** A gallery: images in sizes, public or private, by way of a CDN. */
export async function start(options: ExampleOptions): Promise<RunningExample> {
  const page = await servePage({ title: 'Gallery', program: new URL('./page/page.tsx', import.meta.url) });
  let origin = '';
  const storage = await openStorage(options, () => origin);
  const { stowage, variants } = storage;
  const app = express();
  app.use(page);
  app.use(signInRoutes(stowage));
  app.use(galleryRoutes(storage));
  // The files by their URLs, /public/… and /cdn/… among them: what a CDN fetches.
  app.use(stowage.handler());
  app.use(((error, request, response, next) => {
    if (!stowage.answerError(error, request, response)) next(error);
  }) satisfies ErrorRequestHandler);
  const server = await listen(app, options.port);
  origin = server.origin;
  return {
    origin,
    async close() {
      await server.close();
      await variants.close();
      await stowage.close();
    },
  };
}

if (import.meta.main) await runExample(start);
