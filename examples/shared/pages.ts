import type { ServerResponse } from 'node:http';
import { fileURLToPath } from 'node:url';
import express, { type Router } from 'express';

/** Pictures come by signed URLs, from wherever the files are; everything else from here. */
const POLICY = "default-src 'self'; img-src * data:; media-src *; frame-ancestors 'none'; base-uri 'none'";

/** Serves the page of an example, and below `/shared` what the pages have in common. */
export function pages(directory: URL): Router {
  const options = {
    setHeaders: (response: ServerResponse) => {
      response.setHeader('content-security-policy', POLICY);
      response.setHeader('x-content-type-options', 'nosniff');
    },
  };
  const routes = express.Router();
  routes.use('/shared', express.static(fileURLToPath(new URL('page/', import.meta.url)), options));
  routes.use(express.static(fileURLToPath(directory), options));
  return routes;
}
