import assert from 'node:assert/strict';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { after, before, describe, test } from 'node:test';
import express, { type NextFunction, type Request, type Response } from 'express';
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify';
import { StowageError } from '../core/errors.ts';
import type { AssetJson, ProblemJson } from '../protocol/index.ts';
import type { Caller } from './callers.ts';
import { acceptForms } from './handler.ts';
import { type LibraryFixture, openLibraryFixture, serve, type TestStowage } from './library-fixture.ts';

/** The application's own idea of a session: a cookie with the user's name. */
function userOf({ headers }: IncomingMessage): Caller | null {
  const [, userId] = /\bsession=(\w+)/.exec(headers.cookie ?? '') ?? [];
  return userId === undefined ? null : { userId, tenantId: 'acme' };
}

/** An application on each framework: Stowage's routes below /storage, and routes of its own. */
const APPLICATIONS: Readonly<Record<string, (stowage: TestStowage) => Promise<RequestListener>>> = {
  'node:http': async (stowage) => {
    const storage = stowage.handler({ prefix: '/storage' });
    return (request, response) => {
      if (storage(request, response)) return;
      answer(stowage, request, response).catch((error: unknown) => {
        if (!stowage.answerError(error, request, response)) response.writeHead(500).end('own error');
      });
    };
  },

  Express: async (stowage) => {
    const app = express();
    app.use((_request, response, next) => {
      response.setHeader('x-own', 'yes');
      next();
    });
    app.use('/storage', stowage.handler());
    app.post('/cases/:id/files', async (request, response) => {
      response.json(await store(stowage, request, String(request.params.id)));
    });
    app.get('/files/:id', (request, response) =>
      stowage.send(request, response, { assetId: request.params.id, disposition: 'inline' }),
    );
    app.post('/broken', () => {
      throw new Error('own');
    });
    app.use((error: unknown, request: Request, response: Response, next: NextFunction) => {
      if (!stowage.answerError(error, request, response)) next(error);
    });
    return app;
  },

  Fastify: async (stowage) => {
    const app = Fastify();
    acceptForms(app);
    app.addHook('onRequest', async (_request, reply) => {
      reply.header('x-own', 'yes');
    });
    app.register(stowage.fastifyRoutes, { prefix: '/storage' });
    app.post<{ Params: { id: string } }>('/cases/:id/files', async (request) =>
      store(stowage, request, request.params.id),
    );
    app.get<{ Params: { id: string } }>('/files/:id', async (request, reply) => {
      await stowage.send(request, reply, { assetId: request.params.id, disposition: 'inline' });
    });
    app.post('/broken', async () => {
      throw new Error('own');
    });
    app.setErrorHandler((error: unknown, request: FastifyRequest, reply: FastifyReply) => {
      if (!stowage.answerError(error, request, reply)) reply.code(500).send('own error');
    });
    await app.ready();
    return (request, response) => app.routing(request, response);
  },
};

/** The routes of the application on plain node. */
async function answer(
  stowage: TestStowage,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  response.setHeader('x-own', 'yes');
  const [, kind = '', id = ''] = (request.url ?? '').split('/');
  if (kind === 'cases') response.end(JSON.stringify(await store(stowage, request, id)));
  else if (kind === 'files') await stowage.send(request, response, { assetId: id, disposition: 'inline' });
  else throw new Error('own');
}

/** What an upload route of an application does. */
async function store(stowage: TestStowage, request: Parameters<TestStowage['receive']>[0], caseId: string) {
  if (caseId === 'closed') throw new StowageError('not_found', 'There is no such case.');
  const { assets, fields } = await stowage.receive(request, {
    assetType: 'case_file',
    fields: { case_id: caseId },
    fileFields: ['document'],
    inTransaction: (tx, received) =>
      tx.query('insert into case_files values ($1, $2)', [received.asset.key, received.fields.title]),
  });
  return { ids: assets.map(({ assetId }) => assetId), title: fields.title };
}

for (const [framework, makeApplication] of Object.entries(APPLICATIONS)) {
  describe(`an application on ${framework}`, () => {
    let fixture: LibraryFixture;
    let server: Awaited<ReturnType<typeof serve>>;
    before(async () => {
      fixture = await openLibraryFixture({
        authenticate: userOf,
        publicUrl: () => `${server.origin}/storage`,
      });
      await fixture.stowage.database.migrate([
        { name: '0001_files', sql: 'create table case_files (s3_key text primary key, title text)' },
      ]);
      server = await serve(await makeApplication(fixture.stowage));
    });
    after(async () => {
      await server[Symbol.asyncDispose]();
      await fixture[Symbol.asyncDispose]();
    });

    const ask = (user: string | null, path: string, init: RequestInit = {}) =>
      fetch(new URL(path, server.origin), {
        ...init,
        headers: {
          ...(user === null ? {} : { cookie: `session=${user}` }),
          ...(init.headers as Record<string, string> | undefined),
        },
      });
    const form = (fields: Record<string, string>, file: string, text: string, name = 'note.txt') => {
      const body = new FormData();
      for (const [field, value] of Object.entries(fields)) body.append(field, value);
      body.append(file, new File([text], name, { type: 'text/plain' }));
      return body;
    };
    const problemOf = async (response: Response | globalThis.Response) => {
      const body = (await (response as globalThis.Response).json()) as ProblemJson;
      return `${(response as globalThis.Response).status} ${body.code}`;
    };
    const upload = async (user: string): Promise<AssetJson> => {
      const body = form({ asset_type: 'note' }, 'files', 'mounted');
      const response = await ask(user, '/storage/api/upload', { method: 'POST', body });
      assert.equal(response.status, 200);
      const { uploads } = (await response.json()) as { uploads: AssetJson[] };
      assert.ok(uploads[0]);
      return uploads[0];
    };

    test('has Stowage’s routes below its prefix: upload, list, download, delete', async () => {
      const asset = await upload('ana');
      assert.ok(asset.presigned_url.startsWith(`${server.origin}/storage/files/`));
      assert.equal(await (await fetch(asset.presigned_url)).text(), 'mounted');
      const list = (await (await ask('ana', '/storage/api/assets?limit=1')).json()) as {
        assets: AssetJson[];
      };
      assert.equal(list.assets[0]?.asset_id, asset.asset_id);
      const path = `/storage/api/assets/${asset.asset_id}`;
      const part = await ask('ana', `${path}/download`, { headers: { range: 'bytes=2-4' } });
      assert.equal(part.status, 206);
      assert.equal(await part.text(), 'unt');
      assert.equal((await ask('ana', path, { method: 'DELETE' })).status, 204);
      assert.equal(await problemOf(await ask('ana', path)), '404 not_found');
      assert.equal((await ask(null, '/storage/api/health')).status, 200);
    });

    test('says who is asking, and Stowage decides what they may', async () => {
      const asset = await upload('ana');
      const path = `/storage/api/assets/${asset.asset_id}`;
      assert.equal(await problemOf(await ask(null, path)), '401 unauthenticated');
      assert.equal(await problemOf(await ask('bob', path)), '403 forbidden');
      const body = form({ asset_type: 'note' }, 'files', 'nobody');
      const anonymous = await ask(null, '/storage/api/upload', { method: 'POST', body });
      assert.equal(await problemOf(anonymous), '401 unauthenticated');
      const bearer = await ask(null, path, { headers: { authorization: 'Bearer abc' } });
      assert.equal(await problemOf(bearer), '401 unauthenticated');
    });

    test('is not used through its cookie by a page of another site', async () => {
      const asset = await upload('ana');
      const path = `/storage/api/assets/${asset.asset_id}`;
      const headers = { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' };
      const others = [
        headers,
        { 'sec-fetch-site': 'same-site', origin: 'https://evil.app.example' },
        // Browsers say less over plain http.
        { origin: 'http://evil.example' },
        { origin: 'null' },
      ];
      for (const each of others) {
        const answer = await ask('ana', path, { method: 'DELETE', headers: each });
        assert.equal(await problemOf(answer), '403 forbidden', JSON.stringify(each));
      }
      assert.equal((await ask('ana', path, { headers })).status, 200);
      const own = { origin: new URL(fixture.stowage.url).origin };
      assert.equal((await ask('ana', path, { method: 'DELETE', headers: own })).status, 204);
    });

    test('receives files in a route of its own, together with its row', async () => {
      const body = form({ title: 'Träume', other: '1' }, 'document', 'a case file');
      const response = await ask('ana', '/cases/c7/files', { method: 'POST', body });
      assert.equal(response.status, 200);
      assert.equal(response.headers.get('x-own'), 'yes');
      const stored = (await response.json()) as { ids: string[]; title: string };
      assert.equal(stored.title, 'Träume');
      const [assetId = ''] = stored.ids;
      const asset = await fixture.stowage.find(assetId, { userId: 'ana', tenantId: 'acme' });
      assert.match(asset.key, /^cases\/c7\//);
      const { rows } = await fixture.stowage.database.query('select * from case_files where s3_key = $1', [
        asset.key,
      ]);
      assert.deepEqual(rows, [{ s3_key: asset.key, title: 'Träume' }]);

      const sent = await ask('ana', `/files/${assetId}`);
      assert.equal(sent.headers.get('x-own'), 'yes');
      assert.equal(sent.headers.get('etag'), `"${asset.contentHash}"`);
      assert.equal(sent.headers.get('x-content-type-options'), 'nosniff');
      assert.equal(await sent.text(), 'a case file');
      const head = await ask('ana', `/files/${assetId}`, { method: 'HEAD' });
      assert.equal(head.headers.get('content-length'), '11');
      const range = await ask('ana', `/files/${assetId}`, { headers: { range: 'bytes=99-' } });
      assert.equal(range.headers.get('content-range'), 'bytes */11');
      assert.equal(await problemOf(range), '416 range_not_satisfiable');
      const known = await ask('ana', `/files/${assetId}`, {
        headers: { 'if-none-match': `"${asset.contentHash}"` },
      });
      assert.equal(known.status, 304);
      assert.equal(await problemOf(await ask('bob', `/files/${assetId}`)), '403 forbidden');
      assert.equal(await problemOf(await ask(null, `/files/${assetId}`)), '401 unauthenticated');
    });

    test('is refused what the gate refuses, and what its own route refuses', async () => {
      const post = (user: string | null, path: string, body: FormData | string) =>
        ask(user, path, { method: 'POST', body });
      const disguised = form({}, 'document', 'MZ\u0090\u0000 not a text', 'note.txt');
      const answer = (await (await post('ana', '/cases/c7/files', disguised)).json()) as ProblemJson;
      assert.equal(answer.status, 400);
      assert.equal(answer.filename, 'note.txt');
      const elsewhere = form({}, 'files', 'text');
      assert.equal(await problemOf(await post('ana', '/cases/c7/files', elsewhere)), '400 invalid_parameter');
      const smuggled = form({ case_id: 'other' }, 'document', 'text');
      assert.equal(await problemOf(await post('ana', '/cases/c7/files', smuggled)), '400 invalid_parameter');
      const text = form({}, 'document', 'text');
      assert.equal(await problemOf(await post('ana', '/cases/closed/files', text)), '404 not_found');
      const late = form({}, 'document', 'text');
      assert.equal(await problemOf(await post(null, '/cases/c7/files', late)), '401 unauthenticated');
      const large = form({}, 'document', 'x'.repeat(3_000_000));
      assert.match(await problemOf(await post('ana', '/cases/c7/files', large)), /^413 /);
      assert.equal((await post('ana', '/broken', form({}, 'a', 'b'))).status, 500);
      const { rows } = await fixture.stowage.database.query('select from case_files where title is null');
      assert.equal(rows.length, 0);
    });

    test('keeps its own paths, also those that look like the prefix', async () => {
      const response = await ask('ana', '/storagefiles');
      assert.notEqual(response.headers.get('content-type'), 'application/problem+json');
      await response.arrayBuffer();
      assert.equal(await problemOf(await ask('ana', '/storage/api/nothing')), '404 not_found');
    });
  });
}

describe('a body parser that was there first', () => {
  test('is found out at once, on Express', async () => {
    await using fixture = await openLibraryFixture({ authenticate: userOf });
    const { stowage, problems } = fixture;
    const app = express();
    app.use(express.raw({ type: () => true }));
    app.use('/storage', stowage.handler());
    app.post('/own', async (request, response) => {
      response.json((await stowage.receive(request, { assetType: 'note' })).asset.assetId);
    });
    app.use((error: unknown, request: Request, response: Response, next: NextFunction) => {
      if (!stowage.answerError(error, request, response)) next(error);
    });
    await using server = await serve(app);
    for (const path of ['/storage/api/upload', '/own']) {
      const body = new FormData();
      body.append('files', new File(['text'], 'a.txt'));
      const headers = { cookie: 'session=ana' };
      const response = await fetch(server.origin + path, { method: 'POST', headers, body });
      assert.equal(response.status, 500);
      assert.equal(((await response.json()) as ProblemJson).code, 'internal_error');
      const told = problems.pop();
      assert.match(String(told?.message), /was read before Stowage saw it.*express\.json/);
    }
  });
});
