import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { stripTypeScriptTypes } from 'node:module';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '../..');

/** A web server of pages, at an origin of its own. */
export interface PageServer extends AsyncDisposable {
  readonly origin: string;
}

/**
 * Serves pages by their paths, and below `/src` the client as it stands in the repository: a browser that asks for a
 * `.ts` file gets it without its types, so that a page imports `/src/sdk/index.ts` and nothing has to be built.
 */
export async function servePages(pages: Readonly<Record<string, string>>): Promise<PageServer> {
  const server = createServer((request, response) => {
    const name = new URL(request.url ?? '/', 'http://page').pathname;
    const page = pages[name];
    if (page !== undefined) {
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(page);
    } else if (/^\/src\/sdk\/[a-z-]+\.ts$/.test(name)) {
      response.writeHead(200, { 'content-type': 'text/javascript; charset=utf-8' }).end(scriptOf(name));
    } else {
      response.writeHead(name === '/favicon.ico' ? 204 : 404).end();
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The page server has no port.');
  return {
    origin: `http://127.0.0.1:${address.port}`,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** A file of ours as a browser takes it. Node warns once that stripping types is experimental. */
function scriptOf(name: string): string {
  return stripTypeScriptTypes(readFileSync(path.join(ROOT, name), 'utf8'));
}
