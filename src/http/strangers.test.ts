import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ERROR_TRAITS, type ErrorCode } from '../core/errors.ts';
import type { Principal } from '../core/principal.ts';
import type { AssetJson, ProblemJson, UploadInstructionsJson } from '../protocol/index.ts';
import type { Route } from './route.ts';
import { describeRoutes } from './server.ts';
import { METRICS_TOKEN, openServerFixture, type ServerFixture } from './server-fixture.ts';

/** Who knocks, beside the owner of the asset (alice of acme). */
const STRANGERS = {
  nobody: null,
  forged: null,
  neighbour: { userId: 'bob', tenantId: 'acme', role: 'user' },
  foreigner: { userId: 'alice', tenantId: 'globex', role: 'user' },
  foreignAdmin: { userId: 'root', tenantId: 'globex', role: 'admin' },
} as const satisfies Record<string, Principal | null>;

type Answers = Readonly<Record<keyof typeof STRANGERS, number | ErrorCode>>;

const OPEN = (answer: number | ErrorCode): Answers => ({
  nobody: answer,
  forged: answer,
  neighbour: answer,
  foreigner: answer,
  foreignAdmin: answer,
});
const guarded = (answers: Omit<Answers, 'nobody' | 'forged'>): Answers => ({
  nobody: 'unauthenticated',
  forged: 'unauthenticated',
  ...answers,
});
const ASSET = guarded({ neighbour: 'forbidden', foreigner: 'not_found', foreignAdmin: 'not_found' });
const OWN = (answer: number | ErrorCode) =>
  guarded({ neighbour: answer, foreigner: answer, foreignAdmin: answer });
const ADMIN = (answer: number) =>
  guarded({ neighbour: 'forbidden', foreigner: 'forbidden', foreignAdmin: answer });

/** What each route answers to each of them. A route that is not here fails the test below. */
const EXPECTED: Readonly<Record<string, Answers>> = {
  upload: OWN('unsupported_media_type'),
  beginUpload: OWN('missing_field'),
  signParts: ASSET,
  completeUpload: ASSET,
  abandonUpload: ASSET,
  listAssets: OWN(200),
  getAsset: ASSET,
  presign: ASSET,
  download: ASSET,
  deleteAsset: ASSET,
  assetAccessLog: ASSET,
  accessLog: ADMIN(200),
  eraseUser: ADMIN(202),
  usage: OWN(200),
  health: OPEN(200),
  live: OPEN(200),
  ready: OPEN(200),
  openApi: OPEN(200),
  docs: OPEN(200),
  metrics: ADMIN(200),
  readFile: OPEN('forbidden'),
  writeFile: OPEN('forbidden'),
  publicAsset: OPEN('not_found'),
  cdnAsset: OPEN('not_found'),
};

let server: ServerFixture;
let asset: AssetJson;
let upload: UploadInstructionsJson;
let routes: readonly Route[];
before(async () => {
  server = await openServerFixture();
  asset = await server.store({});
  upload = await begin();
  routes = describeRoutes(server.options);
});
after(async () => {
  await server[Symbol.asyncDispose]();
});

const target = (route: Route) =>
  route.path
    .replace(':asset_id', asset.asset_id)
    .replace(':upload_id', upload.upload_id)
    .replace(':user_id', 'alice')
    .replace('*', asset.key);

/** An upload of alice's that nobody completes. */
async function begin(): Promise<UploadInstructionsJson> {
  const answer = await server.ask(
    {},
    '/api/uploads',
    json({ filename: 'a.txt', size_bytes: 5, asset_type: 'note' }),
  );
  return (await answer.json()) as UploadInstructionsJson;
}

const json = (body: unknown) => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

/** The smallest body that a route for JSON looks at. */
const bodyOf = (route: Route) =>
  typeof route.body === 'object'
    ? json(route.operation === 'signParts' ? { part_numbers: [1] } : {})
    : undefined;

async function ask(route: Route, stranger: keyof typeof STRANGERS, method: string = route.method) {
  const headers: Record<string, string> =
    stranger === 'forged' ? { authorization: 'Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9.x' } : {};
  const given = method === route.method ? bodyOf(route) : undefined;
  return await server.ask(STRANGERS[stranger], target(route), {
    ...given,
    method,
    headers: { ...given?.headers, ...headers },
  });
}

test('every route says what it answers to every kind of stranger', () => {
  assert.deepEqual(routes.map((route) => route.operation).sort(), Object.keys(EXPECTED).sort());
  const names = routes.map((route) => `${route.method} ${route.path}`);
  assert.equal(new Set(names).size, names.length);
});

for (const [operation, answers] of Object.entries(EXPECTED)) {
  describe(`to ${operation}`, () => {
    for (const [stranger, expected] of Object.entries(answers) as [
      keyof typeof STRANGERS,
      number | ErrorCode,
    ][]) {
      test(`${stranger} gets ${expected}`, async () => {
        const route = routes.find((each) => each.operation === operation);
        assert.ok(route);
        const answer = await ask(route, stranger);
        if (typeof expected === 'number') {
          assert.equal(answer.status, expected);
          await answer.arrayBuffer();
          return;
        }
        assert.equal(answer.status, ERROR_TRAITS[expected].httpStatus);
        assert.equal(answer.headers.get('content-type'), 'application/problem+json');
        const problem = (await answer.json()) as ProblemJson;
        assert.equal(problem.code, expected);
        assert.ok(route.access === 'public' || !JSON.stringify(problem).includes(asset.key));
        if (expected === 'unauthenticated')
          assert.match(answer.headers.get('www-authenticate') ?? '', /^Bearer/);
      });
    }
  });
}

test('no handler is reached by OPTIONS or PATCH', async () => {
  for (const route of routes) {
    for (const method of ['OPTIONS', 'PATCH']) {
      const answer = await server.ask({ role: 'admin' }, target(route), { method });
      assert.equal(answer.status, 404, `${method} ${route.path}`);
      assert.match(answer.headers.get('allow') ?? '', new RegExp(route.method));
      await answer.arrayBuffer();
    }
  }
});

test('HEAD tells a stranger no more than GET', async () => {
  for (const route of routes.filter((each) => each.method === 'GET')) {
    for (const stranger of Object.keys(STRANGERS) as (keyof typeof STRANGERS)[]) {
      const answer = await ask(route, stranger, 'HEAD');
      const got = await ask(route, stranger);
      await got.arrayBuffer();
      assert.equal(answer.status, got.status, `${stranger} HEAD ${route.path}`);
    }
  }
});

test('the asset and the upload are still there after all of them', async () => {
  assert.equal((await server.catalog.findUpload('acme', upload.upload_id))?.state, 'reserved');
  assert.equal((await server.ask({}, `/api/assets/${asset.asset_id}/download`)).status, 200);
});

test('every refusal of an asset is in the log of whoever was refused, not in the owner’s', async () => {
  const entries = async (who: Partial<Principal>, query: string) => {
    const answer = await server.ask({ role: 'admin', userId: 'root', ...who }, `/api/access-log?${query}`);
    return ((await answer.json()) as { entries: { action: string; outcome: string; reason: string }[] })
      .entries;
  };
  const acme = await entries({}, 'user_id=bob');
  for (const action of ['download', 'generate_url', 'delete']) {
    const refused = acme.filter((entry) => entry.action === action);
    assert.ok(refused.length > 0, action);
    assert.ok(refused.every((entry) => entry.outcome === 'refused' && entry.reason === 'forbidden'));
  }
  const globex = await entries({ tenantId: 'globex' }, `asset_id=${asset.asset_id}`);
  assert.ok(globex.length > 0 && globex.every((entry) => entry.reason === 'not_found'));
  const own = await entries({}, `asset_id=${asset.asset_id}&limit=200`);
  assert.ok(own.every((entry) => entry.reason !== 'not_found'));
});

test('a refused HEAD is a refused download', async () => {
  const carol = { userId: 'carol', tenantId: 'acme', role: 'user' } as const;
  const answer = await server.ask(carol, `/api/assets/${asset.asset_id}/download`, { method: 'HEAD' });
  assert.equal(answer.status, 403);
  await server.ask(carol, `/api/assets/${asset.asset_id}/access-log`);
  const log = await server.ask({ role: 'admin', userId: 'root' }, '/api/access-log?user_id=carol');
  const { entries } = (await log.json()) as { entries: { action: string; reason: string }[] };
  assert.deepEqual(
    entries.map(({ action, reason }) => [action, reason]),
    [['download', 'forbidden']],
  );
});

test('the metrics token opens the metrics and nothing else', async () => {
  const headers = { authorization: `Bearer ${METRICS_TOKEN}` };
  for (const route of routes.filter((each) => each.access !== 'public')) {
    const answer = await server.ask(null, target(route), { method: route.method, headers });
    assert.equal(answer.status, route.operation === 'metrics' ? 200 : 401, route.path);
    await answer.arrayBuffer();
  }
});
