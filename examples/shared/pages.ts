import { fileURLToPath } from 'node:url';
import express, { type Router } from 'express';

/** Pictures come by signed URLs, from wherever the files are; everything else from here. */
const POLICY = "default-src 'self'; img-src * data:; media-src *; frame-ancestors 'none'; base-uri 'none'";

/** Serves the page of an example, and below `/shared` what the pages have in common. */
export function pages(directory: URL): Router {
  const routes = express.Router();
  routes.use((_request, response, next) => {
    response.set({ 'content-security-policy': POLICY, 'x-content-type-options': 'nosniff' });
    next();
  });
  routes.use('/shared', express.static(fileURLToPath(new URL('page/', import.meta.url))));
  routes.use(express.static(fileURLToPath(directory)));
  return routes;
}
