import express, { type ErrorRequestHandler } from 'express';
import { listen } from '../shared/listen.ts';
import { pages } from '../shared/pages.ts';
import { type ExampleOptions, type RunningExample, runExample } from '../shared/run.ts';
import { signInRoutes } from '../shared/sign-in.ts';
import { addImages, deleteBrand, deleteImage } from './routes/brand-images.ts';
import { createBrand } from './routes/create-brand.ts';
import { getBrand, listBrands } from './routes/list-brands.ts';
import { listLoraSets, uploadLoraSet } from './routes/lora-sets.ts';
import { listVideos, uploadVideo } from './routes/videos.ts';
import { openStorage } from './storage.ts';

/** Brand assets: product images of brands, generated videos of projects, LoRA training sets. */
export async function start(options: ExampleOptions): Promise<RunningExample> {
  let origin = '';
  const storage = await openStorage(options, () => origin);
  const { stowage, variants } = storage;

  const app = express();
  app.use(signInRoutes(stowage));
  app.post('/api/brands', express.json(), createBrand(storage));
  app.get('/api/brands', listBrands(storage));
  app.get('/api/brands/:id', getBrand(storage));
  app.delete('/api/brands/:id', deleteBrand(storage));
  app.post('/api/brands/:id/images', express.json(), addImages(storage));
  app.delete('/api/brands/:id/images/:asset_id', deleteImage(storage));
  app.post('/api/brands/:id/lora-sets', uploadLoraSet(storage));
  app.get('/api/brands/:id/lora-sets', listLoraSets(storage));
  app.post('/api/projects/:project_id/videos', uploadVideo(storage));
  app.get('/api/projects/:project_id/videos', listVideos(storage));
  app.use(pages(new URL('./page/', import.meta.url)));
  // The rest is Stowage's: POST /api/upload, GET /api/assets/{id}, /api/assets/{id}/presigned …
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
