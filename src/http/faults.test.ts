import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { StowageError } from '../core/errors.ts';
import type { AssetJson, LogPageJson, ProblemJson } from '../protocol/index.ts';
import { failingCatalog } from './failing-catalog-fixture.ts';
import { METRICS_TOKEN, openServerFixture, SECRET, type ServerFixture } from './server-fixture.ts';

/** What the catalog throws instead of answering, by method; changed by each test. */
const faults = new Map<string, unknown>();

let server: ServerFixture;
let asset: AssetJson;
let readiness: 'ok' | 'unavailable' = 'ok';
before(async () => {
  server = await openServerFixture({
    wrapCatalog: (catalog) => failingCatalog(catalog, (method) => faults.get(method)),
    http: {
      corsOrigins: ['https://app.test', 'https://admin.test'],
      publicUrl: 'https://files.test',
      trustProxy: ['127.0.0.1'],
    },
    health: {
      snapshot: () => ({
        status: readiness === 'ok' ? 'ok' : 'degraded',
        dependencies: {
          database: { status: readiness === 'ok' ? 'connected' : 'unavailable', latency_ms: null },
          storage: { status: 'connected', backend: 'local' },
        },
      }),
      readiness: () => readiness,
    },
  });
  asset = await server.store({});
});
after(async () => {
  await server[Symbol.asyncDispose]();
});

const UNREACHABLE = new StowageError('database_unavailable', 'The database at db.internal:5432 refused.', {
  cause: new Error('password authentication failed for user "stowage"'),
});

async function during<Result>(method: string, fault: unknown, act: () => Promise<Result>): Promise<Result> {
  faults.set(method, fault);
  try {
    return await act();
  } finally {
    faults.clear();
  }
}

describe('when an entry can’t be written', () => {
  for (const target of ['/download', '/presigned', '']) {
    test(`GET /api/assets/{id}${target} gives nothing away`, async () => {
      const answer = await during('recordRead', UNREACHABLE, () =>
        server.ask({}, `/api/assets/${asset.asset_id}${target}`),
      );
      const text = await answer.text();
      assert.equal(answer.status, 503);
      assert.ok(Number(answer.headers.get('retry-after')) >= 1);
      assert.doesNotMatch(text, /db\.internal|password|presigned_url|Hello/);
      assert.equal((JSON.parse(text) as ProblemJson).code, 'database_unavailable');
    });
  }

  test('a signed URL gives no bytes', async () => {
    const answer = await during('recordRead', UNREACHABLE, () => server.ask(null, asset.presigned_url));
    assert.equal(answer.status, 503);
    assert.doesNotMatch(await answer.text(), /Hello/);
  });

  test('a list gives no URL', async () => {
    server.advance(301_000);
    const answer = await during('recordAccess', UNREACHABLE, () => server.ask({}, '/api/assets'));
    assert.equal(answer.status, 503);
    assert.doesNotMatch(await answer.text(), /presigned_url/);
  });
});

test('an error that nobody expected says nothing of itself and is logged with the request id', async () => {
  const fault = new TypeError('Cannot read /srv/secret/file of undefined');
  const answer = await during('usage', fault, () =>
    server.ask({}, '/api/usage', { headers: { 'x-request-id': 'trace-me.1' } }),
  );
  const text = await answer.text();
  assert.equal(answer.status, 500);
  const problem = JSON.parse(text) as ProblemJson;
  assert.deepEqual([problem.code, problem.request_id], ['internal_error', 'trace-me.1']);
  assert.doesNotMatch(text, /secret|undefined|TypeError|\.ts/);
  const line = server.lines.find((each) => each.request_id === 'trace-me.1' && each.level === 'error');
  assert.equal(line?.err, fault);
});

test('bytes that are missing under a record are not found, no detail gets out, and the log names the asset', async () => {
  const doomed = await server.store({});
  await server.bucket.delete(doomed.key as Parameters<typeof server.bucket.delete>[0], {});
  const answer = await server.ask({}, `/api/assets/${doomed.asset_id}/download`);
  const text = await answer.text();
  assert.equal(answer.status, 404, text);
  assert.doesNotMatch(text, /ENOENT|stowage-http|notes\//);
  const errors = server.lines.filter((each) => each.level === 'error' && each.asset_id === doomed.asset_id);
  assert.deepEqual(
    errors.map(({ message }) => message),
    ['The stored bytes of an asset are missing.'],
  );
});

describe('bytes that are damaged on disk', () => {
  const DAMAGES: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
    'cut short': (bytes) => bytes.subarray(0, bytes.length / 2),
    emptied: () => Buffer.alloc(0),
    'grown at the end': (bytes) => Buffer.concat([bytes, Buffer.from('more')]),
    'changed at the end': (bytes) => {
      const changed = Buffer.from(bytes);
      changed[bytes.length - 3] = (changed[bytes.length - 3] ?? 0) ^ 0xff;
      return changed;
    },
  };
  for (const [size, text] of Object.entries({ small: 'Hello.', large: 'A line of text.\n'.repeat(20_000) })) {
    for (const [what, damage] of Object.entries(DAMAGES)) {
      test(`(a ${size} file, ${what}) are storage_unavailable by every way, and one line of the log names the asset`, async () => {
        const { asset_id, key, presigned_url } = await server.store({}, { text });
        const file = objectFile(server.options.config.storage.local.path, key);
        await chmod(file, 0o600);
        await writeFile(file, damage(await readFile(file)));
        const targets = [`/api/assets/${asset_id}/download`, presigned_url];
        for (const [at, target] of targets.entries()) {
          const answer = await server.ask(at === 0 ? {} : null, target);
          const problem = (await answer.json()) as ProblemJson;
          assert.deepEqual([answer.status, problem.code], [503, 'storage_unavailable']);
          assert.match(problem.detail, /damaged/);
          assert.equal(answer.headers.get('retry-after'), '3600');
          const lines = server.lines.filter((each) => each.request_id === problem.request_id);
          assert.deepEqual(
            lines.filter(({ level }) => level === 'error' || level === 'warn').map(({ message }) => message),
            [`The stored bytes of the asset ${asset_id} are damaged.`],
          );
        }
      });
    }
  }
});

/** The place of an object is the SHA-256 of its key. */
function objectFile(root: string, key: string): string {
  const name = createHash('sha256').update(key).digest('hex');
  const found = readdirSync(join(root, 'objects'), { recursive: true, withFileTypes: true }).find(
    (entry) => entry.isFile() && join(entry.parentPath, entry.name).replaceAll(sep, '').includes(name),
  );
  assert.ok(found);
  return join(found.parentPath, found.name);
}

describe('what no database takes is refused before it gets there', () => {
  const form = (fields: Record<string, string>, name = 'a.txt') => {
    const body = new FormData();
    for (const [field, value] of Object.entries({ asset_type: 'note', ...fields })) body.append(field, value);
    body.append('files', new File(['Hello.'], name, { type: 'text/plain' }));
    return { method: 'POST', body };
  };
  const begin = (fields: object) => ({
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ filename: 'a.txt', size_bytes: 5, asset_type: 'note', ...fields }),
  });
  const REQUESTS: Readonly<Record<string, readonly [string, string, RequestInit?]>> = {
    'a user of the log': ['invalid_parameter', '/api/access-log?user_id=%00'],
    'a user of the log, or a line break': ['invalid_parameter', '/api/access-log?user_id=%0a'],
    'a time of the log': ['invalid_parameter', '/api/access-log?from=%00'],
    'an asset of the log': ['invalid_parameter', '/api/access-log?asset_id=%00'],
    'a cursor of the log': ['invalid_parameter', '/api/access-log?cursor=%00'],
    'a user to erase': ['invalid_parameter', '/api/users/%00', { method: 'DELETE' }],
    'an asset': ['not_found', '/api/assets/%00'],
    'an upload': ['not_found', '/api/uploads/%00', { method: 'DELETE' }],
    'an asset type of the list': ['unknown_asset_type', '/api/assets?asset_type=%00'],
    'a cursor of the list': ['invalid_parameter', '/api/assets?cursor=%00'],
    'an asset type of a form': ['unknown_asset_type', '/api/upload', form({ asset_type: 'a\0' })],
    'metadata of a form': ['invalid_parameter', '/api/upload', form({ metadata: '{"a":"\\u0000"}' })],
    'a name in JSON': ['invalid_filename', '/api/uploads', begin({ filename: 'a\0.txt' })],
    'an asset type in JSON': ['unknown_asset_type', '/api/uploads', begin({ asset_type: '\0' })],
    'metadata in JSON': ['invalid_parameter', '/api/uploads', begin({ metadata: { a: '\0' } })],
  };
  for (const [what, [code, target, init]] of Object.entries(REQUESTS)) {
    test(`NUL in ${what} is ${code}`, async () => {
      const answer = await server.ask({ role: 'admin' }, target, init);
      assert.equal(((await answer.json()) as ProblemJson).code, code);
    });
  }

  test('the first and the last year do not fail the log', async () => {
    for (const query of [
      'from=0000-01-01',
      'to=9999-12-31',
      'from=0001-01-01&to=9999-12-31T23:59:59-12:00',
    ]) {
      const answer = await server.ask({ role: 'admin' }, `/api/access-log?${query}`);
      assert.ok(answer.status < 500, query);
      await answer.arrayBuffer();
    }
  });
});

describe('the request id', () => {
  test('of the client is repeated when it is safe', async () => {
    for (const [given, isKept] of [
      ['abc-DEF_1.2', true],
      ['a'.repeat(64), true],
      ['a'.repeat(65), false],
      ['a b', false],
      ['<script>', false],
      ['', false],
    ] as const) {
      const answer = await server.ask(null, '/api/nothing', { headers: { 'x-request-id': given } });
      const problem = (await answer.json()) as ProblemJson;
      assert.equal(answer.headers.get('x-request-id'), problem.request_id);
      assert.equal(problem.request_id === given, isKept, given);
    }
  });
});

describe('headers', () => {
  for (const target of [
    '/api/health',
    '/api/nothing',
    '/api/%zz',
    '/api/docs',
    '/api/assets',
    '/files/x?signature=1',
  ]) {
    test(`of ${target} are safe`, async () => {
      const { headers } = await server.ask(null, target);
      assert.equal(headers.get('x-content-type-options'), 'nosniff');
      assert.equal(headers.get('x-frame-options'), 'DENY');
      assert.equal(headers.get('referrer-policy'), 'no-referrer');
      assert.match(headers.get('content-security-policy') ?? '', /default-src 'none'/);
      assert.match(headers.get('strict-transport-security') ?? '', /^max-age=\d{8}/);
      assert.equal(headers.get('cache-control'), 'no-store');
      assert.equal(headers.get('server'), null);
    });
  }
});

describe('CORS', () => {
  const preflight = (origin: string) =>
    server.ask(null, '/api/upload', {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization',
      },
    });

  test('lets pages of the named origins in, without credentials', async () => {
    const answer = await preflight('https://app.test');
    assert.equal(answer.status, 204);
    assert.equal(answer.headers.get('access-control-allow-origin'), 'https://app.test');
    assert.match(answer.headers.get('access-control-allow-headers') ?? '', /Idempotency-Key/);
    assert.equal(answer.headers.get('access-control-allow-credentials'), null);
    const actual = await server.ask({}, `/api/assets/${asset.asset_id}/download`, {
      headers: { origin: 'https://app.test' },
    });
    assert.equal(actual.headers.get('access-control-allow-origin'), 'https://app.test');
    assert.match(actual.headers.get('access-control-expose-headers') ?? '', /Content-Range/);
    assert.match(actual.headers.get('vary') ?? '', /Origin/);
    await actual.text();
  });

  test('lets no other in', async () => {
    for (const origin of ['https://evil.test', 'http://app.test', 'https://app.test.evil.test', 'null']) {
      assert.equal((await preflight(origin)).headers.get('access-control-allow-origin'), null, origin);
      const actual = await server.ask(null, '/api/health', { headers: { origin } });
      assert.equal(actual.headers.get('access-control-allow-origin'), null, origin);
      await actual.text();
    }
  });

  test('a preflight reaches no handler', async () => {
    const answer = await server.ask({}, `/api/assets/${asset.asset_id}`, {
      method: 'OPTIONS',
      headers: { origin: 'https://app.test', 'access-control-request-method': 'DELETE' },
    });
    assert.equal(answer.status, 204);
    assert.equal((await server.ask({}, `/api/assets/${asset.asset_id}`)).status, 200);
  });
});

describe('health', () => {
  test('shows the snapshot, whatever it is, and readiness follows', async () => {
    readiness = 'unavailable';
    const health = await server.ask(null, '/api/health');
    assert.equal(health.status, 200);
    assert.deepEqual(await health.json(), {
      status: 'degraded',
      dependencies: {
        database: { status: 'unavailable', latency_ms: null },
        storage: { status: 'connected', backend: 'local' },
      },
    });
    assert.equal((await server.ask(null, '/api/health/ready')).status, 503);
    assert.equal((await server.ask(null, '/api/health/live')).status, 200);
    readiness = 'ok';
    assert.equal((await server.ask(null, '/api/health/ready')).status, 200);
  });
});

test('metrics count requests by route, uploads and bytes, and the state of dependencies', async () => {
  const answer = await server.ask(null, '/metrics', {
    headers: { authorization: `Bearer ${METRICS_TOKEN}` },
  });
  const text = await answer.text();
  assert.match(
    text,
    /stowage_http_request_duration_seconds_count\{route="\/api\/upload",method="POST",status="200"\} \d/,
  );
  assert.match(text, /stowage_uploaded_files_total\{asset_type="note",result="stored"\} \d/);
  assert.match(text, /stowage_content_bytes_total\{direction="in"\} \d/);
  assert.match(text, /stowage_dependency_up\{dependency="database"\} 1/);
  assert.doesNotMatch(text, /alice|acme|hello\.txt/);
});

test('the address behind a trusted proxy is logged', async () => {
  await server.ask({}, `/api/assets/${asset.asset_id}/presigned`, {
    headers: { 'x-forwarded-for': '6.6.6.6, 203.0.113.9' },
  });
  const log = await server.ask({}, `/api/assets/${asset.asset_id}/access-log?limit=1`);
  const { entries } = (await log.json()) as { entries: { ip_address: string }[] };
  assert.equal(entries[0]?.ip_address, '203.0.113.9');
});

test('no secret, token, signed URL, key or name of a file gets into the log of requests', async () => {
  const token = await server.token({});
  await server.ask(null, asset.presigned_url);
  await server.ask(null, asset.presigned_url.replace('signature=', 'signature=x'));
  await server.ask(null, '/api/assets', { headers: { authorization: `Bearer ${token}x` } });
  const requests = server.lines.filter((line) => line.message === 'request');
  assert.ok(requests.some((line) => line.route === '/files/*' && line.status === 200));
  const text = JSON.stringify(requests);
  for (const secret of [token, SECRET, METRICS_TOKEN, 'signature', asset.key, 'hello.txt']) {
    assert.ok(!text.includes(secret), secret);
  }
});

// The last one: it makes the URLs of all others expire.
test('an expired URL is answered so as soon as that is in the log, for each client', async () => {
  const { presigned_url: url, asset_id: assetId } = await server.store({});
  server.advance(3_700_000);
  const codeFor = async (client: string): Promise<string> => {
    const answer = await server.ask(null, url, { headers: { 'x-forwarded-for': client } });
    return ((await answer.json()) as ProblemJson).code;
  };
  const away = (client: string) => during('recordAccess', UNREACHABLE, () => codeFor(client));
  assert.equal(await away('203.0.113.1'), 'database_unavailable');
  assert.equal(await codeFor('203.0.113.1'), 'expired');
  assert.equal(await away('203.0.113.1'), 'expired', 'what is in the log needs no database');
  assert.equal(await away('203.0.113.2'), 'database_unavailable');
  assert.equal(await codeFor('2001:db9::1'), 'expired');
  assert.equal(await away('2001:db9::2'), 'expired', 'an address of the same network is the same client');
  const page = await server.ask({ role: 'admin' }, `/api/access-log?asset_id=${assetId}&action=download`);
  const { entries } = (await page.json()) as LogPageJson;
  assert.deepEqual(
    entries.map(({ outcome, reason, ip_address }) => [outcome, reason, ip_address]),
    [
      ['refused', 'expired', '2001:db9::1'],
      ['refused', 'expired', '203.0.113.1'],
    ],
  );
});
