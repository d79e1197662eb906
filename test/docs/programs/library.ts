// The blocks of docs/reference/library.md in one program, as they stand there, and the one about sharing of
// docs/guides/bring-your-own-auth.md: library.test.ts compares and runs it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import express, { type ErrorRequestHandler } from 'express';
import fastify from 'fastify';
import { createStowage, defineConfig } from 'stowage';

const config = defineConfig({
  assetTypes: {
    case_file: {
      accepts: { 'application/pdf': ['pdf'] },
      maxSize: '20mb',
      keyTemplate: 'cases/{case_id}/{uuid}_{filename}',
    },
  },
});
const stowage = await createStowage({ config, cwd: process.cwd(), env: process.env });

const user = { userId: 'ana' };
const filename = 'plan.pdf';
const pdf = await new Response(Readable.toWeb(process.stdin) as ReadableStream).bytes();
const token = await stowage.issueToken(user, { lifetimeSeconds: 600 });
const authorization = `Bearer ${token}`;

await stowage.database.migrate(new URL('./migrations/', import.meta.url));

await writeRows();
await receiveForms();
await linkAssets();
await shareAmongUsers();
await serveByNode();
await serveByExpress();
await serveByFastify();
await stowage.close();
console.log('All of it ran.');

/** A row of the program's own, in the transaction of the asset. */
async function writeRows(): Promise<void> {
  const body = Readable.from([pdf]);
  await stowage.upload({
    user,
    body,
    filename,
    assetType: 'case_file',
    fields: { case_id: '7' },
    inTransaction: async (tx, asset) => {
      await tx.query('insert into documents (s3_key) values ($1)', [asset.key]);
    },
  });
  const { rows } = await stowage.database.query('select s3_key from documents');
  assert.equal(rows.length, 1);
  assert.match(String(rows[0]?.s3_key), /^cases\/7\//);
}

/** A form of a page of the program's own. */
async function receiveForms(): Promise<void> {
  const app = express();
  app.post('/cases/:id/files', async (request, response) => {
    const { assets } = await stowage.receive(request, {
      assetType: 'case_file',
      fields: { case_id: request.params.id },
      fileFields: ['document'],
      inTransaction: (tx, { asset, fields }) =>
        tx.query('insert into documents (s3_key, title) values ($1, $2)', [asset.key, fields.title]),
    });
    response.json({ ids: assets.map((asset) => asset.assetId) });
  });
  await serving(createServer(app), async (origin) => {
    const body = new FormData();
    body.append('title', 'The plan');
    body.append('document', new File([pdf], filename, { type: 'application/pdf' }));
    const answer = await fetch(`${origin}/cases/8/files`, {
      method: 'POST',
      body,
      headers: { authorization },
    });
    assert.equal(answer.status, 200);
    const { ids } = (await answer.json()) as { ids: string[] };
    const { key } = await stowage.find(ids[0] ?? '', user);
    const { rows } = await stowage.database.query('select title from documents where s3_key = $1', [key]);
    assert.deepEqual(rows, [{ title: 'The plan' }]);
  });
}

/** Assets that belong to a record. */
async function linkAssets(): Promise<void> {
  const stowage = await createStowage({
    links: { brand: { product_image: { min: 2, max: 10 }, logo: { max: 1 } } },
    cwd: process.cwd(),
    env: process.env,
  });
  const upload = () =>
    stowage.upload({ user, body: Readable.from([pdf]), filename, assetType: 'study_material' });
  const imageIds = [(await upload()).assetId, (await upload()).assetId];
  const [id, name] = ['1', 'Nordlicht'];

  await stowage.transaction(async (tx) => {
    await tx.query('insert into brands (id, name) values ($1, $2)', [id, name]);
    for (const [position, assetId] of imageIds.entries()) {
      await tx.link({ assetId, recordType: 'brand', recordId: id, role: 'product_image', position }, user);
    }
  });

  const linked = await stowage.linked({ recordType: 'brand', recordId: id }, user);
  assert.deepEqual(
    linked.map(({ asset }) => asset.assetId),
    imageIds,
  );
  await stowage.close();
}

// Here, so that the import above stays the one of the page.
import { StowageError } from 'stowage';

/** A colleague reads by a rule of the program's own. */
async function shareAmongUsers(): Promise<void> {
  const mayRead = async (userId: string, taskId: string) => userId === 'bob' && taskId === '7';
  const app = express();
  app.get('/tasks/:task/files/:asset', async (request, response) => {
    const { task: taskId, asset: assetId } = request.params;
    const user = await stowage.authenticate(request);
    if (!(await mayRead(user.userId, taskId))) throw new StowageError('forbidden', 'The task is not yours.');
    await stowage.send(request, response, { assetId, user: { ...user, role: 'admin' } });
  });
  app.use(((error, request, response, next) => {
    if (!stowage.answerError(error, request, response)) next(error);
  }) satisfies ErrorRequestHandler);
  const { items } = await stowage.list(user);
  await serving(createServer(app), async (origin) => {
    for (const [userId, status] of [
      ['bob', 200],
      ['eve', 403],
    ] as const) {
      const bearer = await stowage.issueToken({ userId }, { lifetimeSeconds: 60 });
      const answer = await fetch(`${origin}/tasks/7/files/${items[0]?.assetId}`, {
        headers: { authorization: `Bearer ${bearer}` },
      });
      assert.equal(answer.status, status);
    }
  });
}

async function serveByNode(): Promise<void> {
  const ownRoutes = (_request: IncomingMessage, response: ServerResponse) => response.end('own');
  const storage = stowage.handler({ prefix: '/storage' });
  const server = createServer((request, response) => {
    if (!storage(request, response)) ownRoutes(request, response);
  });
  await serving(server, async (origin) => {
    await lists(origin);
    assert.equal(await (await fetch(`${origin}/other`)).text(), 'own');
  });
}

async function serveByExpress(): Promise<void> {
  const app = express();
  app.use('/storage', stowage.handler());
  app.get('/files/:id', (request, response) =>
    stowage.send(request, response, { assetId: request.params.id }),
  );
  app.use(((error, request, response, next) => {
    if (!stowage.answerError(error, request, response)) next(error);
  }) satisfies ErrorRequestHandler);
  await serving(createServer(app), async (origin) => {
    await lists(origin);
    await tellsWhatIsMissing(origin);
  });
}

async function serveByFastify(): Promise<void> {
  const app = fastify();
  await app.register(stowage.fastifyRoutes, { prefix: '/storage' });
  app.setErrorHandler((error, request, reply) => {
    if (!stowage.answerError(error, request, reply)) reply.code(500).send();
  });
  app.get<{ Params: { id: string } }>('/files/:id', async (request, reply) => {
    await stowage.send(request, reply, { assetId: request.params.id });
  });
  const origin = await app.listen({ port: 0, host: '127.0.0.1' });
  await lists(origin);
  await tellsWhatIsMissing(origin);
  await app.close();
}

/** The mounted routes answer: all that was uploaded is in the list. */
async function lists(origin: string): Promise<void> {
  const answer = await fetch(`${origin}/storage/api/assets`, { headers: { authorization } });
  assert.equal(answer.status, 200);
  assert.equal(((await answer.json()) as { assets: object[] }).assets.length, 4);
}

async function tellsWhatIsMissing(origin: string): Promise<void> {
  const missing = `${origin}/files/00000000-0000-4000-8000-000000000000`;
  const answer = await fetch(missing, { headers: { authorization } });
  assert.equal(answer.status, 404);
  assert.equal(answer.headers.get('content-type'), 'application/problem+json');
}

/** Listens for as long as the work takes. */
async function serving(server: Server, work: (origin: string) => Promise<void>): Promise<void> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  await work(`http://127.0.0.1:${address.port}`);
  server.closeAllConnections();
  server.close();
}
