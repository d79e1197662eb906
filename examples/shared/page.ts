import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { Router } from 'express';

const STYLE = readFileSync(new URL('./page.css', import.meta.url));

/** Pictures come from wherever the files are, and the client sends files there; programs and styles from here alone. */
const POLICY =
  "default-src 'self'; img-src * data:; connect-src *; object-src 'none'; frame-ancestors 'none'; base-uri 'none'";

/** Serves a page whose program is bundled once, now. */
export async function servePage({
  title,
  program,
}: {
  readonly title: string;
  readonly program: URL;
}): Promise<Router> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(program)],
    ...{ bundle: true, minify: true, write: false, format: 'esm', target: 'es2022', jsx: 'automatic' },
    conditions: process.execArgv
      .filter((flag) => flag.startsWith('--conditions='))
      .map((flag) => flag.slice(13)),
    define: { 'process.env.NODE_ENV': '"production"' },
  });
  const script = outputFiles[0]?.contents ?? new Uint8Array();
  const html = `<!doctype html><html lang="en"><meta charset="utf-8"><title>${title}</title>
<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="/page.css"><link rel="icon" href="data:,">
<div id="root"></div><script type="module" src="/page.js"></script></html>`;
  const routes = Router();
  routes.use((_request, response, next) => {
    response.set({ 'content-security-policy': POLICY, 'x-content-type-options': 'nosniff' });
    next();
  });
  routes.get('/', (_request, response) => void response.type('html').send(html));
  routes.get('/page.css', (_request, response) => void response.type('css').send(STYLE));
  routes.get('/page.js', (_request, response) => void response.type('js').send(Buffer.from(script)));
  return routes;
}
