// Baselines for reads: `node bench/baselines/read.ts static|token DIR SECRET`. Prints its port.
import { createHmac, timingSafeEqual } from 'node:crypto';
import fastifyStatic from '@fastify/static';
import fastify from 'fastify';

const [kind, directory = '.', secret = ''] = process.argv.slice(2);
const app = fastify();

/** Verifies an HS256 token with node:crypto, as the fastest plain route would. */
function isValid(authorization: string | undefined): boolean {
  const [header, payload, signature] = authorization?.slice('Bearer '.length).split('.') ?? [];
  if (header === undefined || payload === undefined || signature === undefined) return false;
  const expected = createHmac('sha256', secret).update(`${header}.${payload}`).digest();
  const given = Buffer.from(signature, 'base64url');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return false;
  return JSON.parse(Buffer.from(payload, 'base64url').toString()).exp * 1000 > Date.now();
}

if (kind === 'static') await app.register(fastifyStatic, { root: directory });
else
  app.get('/token', (request, reply) =>
    isValid(request.headers.authorization) ? { ok: true } : reply.code(401).send({ ok: false }),
  );
await app.listen({ host: '127.0.0.1', port: 0 });
const address = app.server.address();
if (address === null || typeof address === 'string') throw new Error('No port.');
console.log(`port ${address.port}`);
