import { readFileSync } from 'node:fs';
import Fastify, { type FastifyError, type FastifyInstance } from 'fastify';
import { acceptForms, isStowageError, StowageError } from 'stowage';
import { accessLogs } from './routes/access-logs.ts';
import { addColleagueRoute } from './routes/add-colleague.ts';
import { correct } from './routes/correct.ts';
import { download } from './routes/download.ts';
import { list } from './routes/list.ts';
import { login } from './routes/login.ts';
import { logout } from './routes/logout.ts';
import { readAgain } from './routes/read-again.ts';
import { refresh } from './routes/refresh.ts';
import { register } from './routes/register.ts';
import { remove } from './routes/remove.ts';
import { transactions } from './routes/transactions.ts';
import { uploadFile } from './routes/upload-file.ts';
import { uploadFileAuto } from './routes/upload-file-auto.ts';
import { uploadFileDirect } from './routes/upload-file-direct.ts';
import { isHttps, type Storage } from './storage.ts';

/** Every route of the application, one file for each. */
const ROUTES = [
  ...[register, login, refresh, logout, addColleagueRoute],
  ...[uploadFile, uploadFileAuto, uploadFileDirect, readAgain, download, list, correct, remove],
  ...[transactions, accessLogs],
];

/** Bodies but forms are small: bytes come in forms, which Stowage reads and bounds by the asset type. */
const BODY_BYTES_MAX = 64 * 1024;

export function makeApp(stowage: Storage): FastifyInstance {
  const app = Fastify({ bodyLimit: BODY_BYTES_MAX, trustProxy: [...stowage.config.http.trustProxy] });
  acceptForms(app);
  const headers = headersOf(isHttps(stowage));
  app.addHook('onRequest', async (_request, reply) => {
    reply.headers(headers);
  });
  for (const route of ROUTES) route(app, stowage);
  servePage(app);
  app.setNotFoundHandler(() => {
    throw new StowageError('not_found', 'There is nothing here.');
  });
  app.setErrorHandler((error: FastifyError, request, reply) => {
    if (stowage.answerError(isStowageError(error) ? error : problemOf(error), request, reply)) return;
    reply.code(500).send();
  });
  return app;
}

/** What Fastify itself refuses: a body that is no JSON, or not what the route's schema says. */
function problemOf(error: FastifyError): unknown {
  if (error.validation !== undefined) return new StowageError('invalid_parameter', `The ${error.message}.`);
  if (error.statusCode === 413) return new StowageError('request_too_large', 'The request is too large.');
  if (error.statusCode === 415) return new StowageError('unsupported_media_type', 'The body must be JSON.');
  if (error.statusCode === 400) return new StowageError('malformed_request', 'The request can’t be read.');
  return new StowageError('internal_error', 'Something went wrong.', { cause: error });
}

/** The page shows documents in a frame, from bytes that it has fetched: hence `blob:`. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data: blob:; frame-src blob:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

function headersOf(isSecure: boolean): Readonly<Record<string, string>> {
  return {
    'content-security-policy': POLICY,
    'x-frame-options': 'DENY',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    ...(isSecure && { 'strict-transport-security': 'max-age=63072000; includeSubDomains' }),
  };
}

const PAGE: Readonly<Record<string, readonly [file: string, mediaType: string]>> = {
  '/': ['page/index.html', 'text/html; charset=utf-8'],
  '/page.js': ['page/page.js', 'text/javascript; charset=utf-8'],
  '/account.js': ['page/account.js', 'text/javascript; charset=utf-8'],
  '/page.css': ['page/page.css', 'text/css; charset=utf-8'],
  '/shared/style.css': ['../shared/page/style.css', 'text/css; charset=utf-8'],
};

function servePage(app: FastifyInstance): void {
  for (const [path, [file, mediaType]] of Object.entries(PAGE)) {
    const content = readFileSync(new URL(file, import.meta.url));
    app.get(path, (_request, reply) => reply.type(mediaType).send(content));
  }
}
