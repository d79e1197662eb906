import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { StowageError } from '../core/errors.ts';
import type { AssetJson, ProblemJson, UploadInstructionsJson } from '../protocol/index.ts';
import { failingCatalog } from './failing-catalog-fixture.ts';
import { errorCodesOf, type Route } from './route.ts';
import { describeRoutes } from './server.ts';
import { openServerFixture, type ServerFixture } from './server-fixture.ts';

const ORIGIN_SECRET = 'what only the edge knows';
const { privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
});

const AWAY = new StowageError('database_unavailable', 'It is away.');
let isAway = false;

let server: ServerFixture;
let asset: AssetJson;
let upload: UploadInstructionsJson;
let signedUrl: string;
let routes: readonly Route[];
before(async () => {
  server = await openServerFixture({
    wrapCatalog: (catalog) => failingCatalog(catalog, () => (isAway ? AWAY : undefined)),
    cdn: {
      url: 'https://cdn.test',
      origin: 'service',
      keyPair: { id: 'K2JCJMDEHXQW5F', privateKey },
      originSecret: ORIGIN_SECRET,
      distributionId: null,
      purgeUrls: [],
    },
  });
  routes = describeRoutes(server.options);
  asset = await server.store({});
  const begun = await server.ask({}, '/api/uploads', json({ ...ANNOUNCED }));
  upload = (await begun.json()) as UploadInstructionsJson;
  signedUrl = await signRead(asset);
});
after(async () => {
  isAway = false;
  await server[Symbol.asyncDispose]();
});

const ANNOUNCED = { filename: 'a.txt', size_bytes: 5, asset_type: 'note' };

const json = (body: unknown): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

async function signRead({ asset_id: assetId, key }: AssetJson): Promise<string> {
  const { main } = server.options.stores;
  const { url } = await main.signRead(key as Parameters<typeof main.signRead>[0], {
    nowMs: server.options.clock.now(),
    lifetimeSeconds: 60,
    contentDisposition: 'inline',
    contentType: 'text/plain',
    grant: { assetId, userId: 'alice', tenantId: 'acme' },
  });
  return url;
}

function form(): RequestInit {
  const body = new FormData();
  body.append('asset_type', 'note');
  body.append('files', new File(['Hello.'], 'a.txt', { type: 'text/plain' }));
  return { method: 'POST', body };
}

/** The requests that want more than their path and a token. */
const requests: Readonly<Record<string, () => readonly [target: string, RequestInit]>> = {
  upload: () => ['/api/upload', form()],
  beginUpload: () => ['/api/uploads', json(ANNOUNCED)],
  signParts: () => [`/api/uploads/${upload.upload_id}/parts`, json({ part_numbers: [1] })],
  readFile: () => [signedUrl, {}],
  writeFile: () => [upload.url ?? '', { method: 'PUT', headers: upload.headers ?? {}, body: 'Hello' }],
  cdnAsset: () => [`/cdn/${asset.key}`, { headers: { 'x-stowage-origin-secret': ORIGIN_SECRET } }],
};

function requestTo(route: Route): readonly [target: string, RequestInit] {
  const path = route.path
    .replace(':asset_id', asset.asset_id)
    .replace(':upload_id', upload.upload_id)
    .replace(':user_id', 'bob')
    .replace('*', asset.key);
  return requests[route.operation]?.() ?? [path, { method: route.method }];
}

describe('while the database is away', () => {
  test('the operations that document database_unavailable answer it, and no other', async () => {
    isAway = true;
    const answering: string[] = [];
    for (const route of routes) {
      const [target, init] = requestTo(route);
      const answer = await server.ask({ role: 'admin' }, target, init);
      const text = await answer.text();
      if (answer.status !== 503) continue;
      assert.equal((JSON.parse(text) as ProblemJson).code, 'database_unavailable', route.operation);
      answering.push(route.operation);
    }
    const documented = routes.filter((route) => errorCodesOf(route).includes('database_unavailable'));
    assert.deepEqual(
      answering,
      documented.map(({ operation }) => operation),
    );
  });
});
