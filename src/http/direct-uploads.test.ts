import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { MIB } from '../core/bytes.ts';
import type { Principal } from '../core/principal.ts';
import type { AssetJson, ProblemJson, UploadInstructionsJson, UploadPartsJson } from '../protocol/index.ts';
import { openServerFixture, type ServerFixture } from './server-fixture.ts';

const TEXT = Buffer.from('Straight to the store.\n');
const HOUR_MS = 3_600_000;

let server: ServerFixture;
before(async () => {
  server = await openServerFixture();
});
after(async () => {
  await server[Symbol.asyncDispose]();
});

const post = (who: Partial<Principal>, target: string, body?: unknown) =>
  server.ask(who, target, {
    method: 'POST',
    ...(body === undefined
      ? {}
      : {
          headers: { 'content-type': 'application/json' },
          body: typeof body === 'string' ? body : JSON.stringify(body),
        }),
  });
const announced = (changes: object = {}) => ({
  filename: 'direct.txt',
  size_bytes: TEXT.length,
  mime_type: 'text/plain',
  asset_type: 'note',
  ...changes,
});

async function begin(changes: object = {}, who: Partial<Principal> = {}): Promise<UploadInstructionsJson> {
  const answer = await post(who, '/api/uploads', announced(changes));
  assert.equal(answer.status, 201, await answer.clone().text());
  return (await answer.json()) as UploadInstructionsJson;
}

async function put(to: { url?: string; headers?: Record<string, string> }, body: Buffer): Promise<Response> {
  assert.ok(to.url !== undefined);
  return server.ask(null, to.url, { method: 'PUT', headers: to.headers ?? {}, body: new Uint8Array(body) });
}

const complete = (uploadId: string, who: Partial<Principal> = {}) =>
  post(who, `/api/uploads/${uploadId}/complete`);

async function assertProblem(answer: Response, status: number, code: string): Promise<ProblemJson> {
  const problem = (await answer.json()) as ProblemJson;
  assert.deepEqual([answer.status, problem.code], [status, code], problem.detail);
  return problem;
}

describe('an upload straight to local disk', () => {
  test('becomes an asset like any other', async () => {
    const sha256 = createHash('sha256').update(TEXT).digest('hex');
    const answer = await post({}, '/api/uploads', announced({ sha256, metadata: { a: 1 } }));
    const upload = (await answer.json()) as UploadInstructionsJson;
    assert.equal(answer.headers.get('location'), `/api/uploads/${upload.upload_id}`);
    assert.equal(answer.headers.get('ratelimit-limit'), '1000');
    assert.deepEqual(
      [upload.method, upload.size_enforced_by, upload.headers],
      ['put', 'store', { 'Content-Type': 'text/plain' }],
    );
    assert.equal((await put(upload, TEXT)).status, 200);
    const completed = await complete(upload.upload_id);
    assert.equal(completed.status, 200);
    const asset = (await completed.json()) as AssetJson;
    assert.deepEqual(
      [asset.filename, asset.size_bytes, asset.mime_type, asset.content_hash, asset.metadata],
      ['direct.txt', TEXT.length, 'text/plain', sha256, { a: 1 }],
    );
    assert.match(asset.key, /^notes\/alice\//);
    const read = await server.ask(null, asset.presigned_url);
    assert.equal(await read.text(), TEXT.toString());
    assert.equal(
      await (await server.ask({}, `/api/assets/${asset.asset_id}/download`)).text(),
      TEXT.toString(),
    );
    const again = (await (await complete(upload.upload_id)).json()) as AssetJson;
    assert.equal(again.asset_id, asset.asset_id);
  });

  test('can not be touched by its URL once it is complete', async () => {
    const upload = await begin();
    await put(upload, TEXT);
    const asset = (await (await complete(upload.upload_id)).json()) as AssetJson;
    await assertProblem(await put(upload, Buffer.alloc(TEXT.length, 'x')), 410, 'expired');
    assert.equal(
      await (await server.ask({}, `/api/assets/${asset.asset_id}/download`)).text(),
      TEXT.toString(),
    );
  });

  test('takes no other size, no other type, no other key and no other purpose', async () => {
    const upload = await begin();
    const { url = '', headers = {} } = upload;
    await assertProblem(await put(upload, Buffer.alloc(TEXT.length + 1, 'x')), 413, 'file_too_large');
    await assertProblem(await put(upload, Buffer.alloc(TEXT.length - 1, 'x')), 400, 'malformed_request');
    await assertProblem(await put({ url, headers: { 'Content-Type': 'text/html' } }, TEXT), 403, 'forbidden');
    const other = url.replace(upload.upload_id, upload.upload_id.replace(/.$/, 'z'));
    await assertProblem(await put({ url: other, headers }, TEXT), 403, 'forbidden');
    await assertProblem(await server.ask(null, url), 403, 'forbidden');
    await assertProblem(await complete(upload.upload_id), 409, 'conflict');
  });

  test('is refused in the one shape of errors, whoever notices', async () => {
    const sha256 = createHash('sha256').update(TEXT).digest('hex');
    const { url = '', headers = {} } = await begin({ sha256 });
    const answers = [
      await put({ url, headers }, Buffer.alloc(TEXT.length + 1, 'x')),
      await put({ url, headers }, Buffer.alloc(TEXT.length, 'x')),
      await put({ url, headers }, Buffer.alloc(0)),
      await put({ url, headers: { 'Content-Type': 'text/html' } }, TEXT),
      await put({ url: `${url}x`, headers }, TEXT),
    ];
    const codes: string[] = [];
    for (const answer of answers) {
      const problem = (await answer.json()) as ProblemJson;
      codes.push(problem.code);
      assert.equal(answer.headers.get('content-type'), 'application/problem+json');
      assert.equal(problem.status, answer.status);
      assert.equal(problem.error, problem.title);
      assert.equal(problem.type, `/api/docs#error-${problem.code}`);
      assert.equal(problem.request_id, answer.headers.get('x-request-id'));
      assert.ok(problem.detail.length > 0);
    }
    assert.deepEqual(codes, [
      'file_too_large',
      'digest_mismatch',
      'malformed_request',
      'forbidden',
      'forbidden',
    ]);
  });

  test('is not written by a URL for reading, and the refusal says so', async () => {
    const { presigned_url: url } = await server.store({});
    const problem = await assertProblem(await put({ url }, TEXT), 403, 'forbidden');
    assert.equal(problem.detail, 'The URL was not signed for writing a file.');
    const upload = await begin();
    const read = await assertProblem(await server.ask(null, upload.url ?? ''), 403, 'forbidden');
    assert.equal(read.detail, 'The URL was not signed for reading a file.');
  });

  test('in parts arrives in any order; a missing part can be sent after a try to complete', async () => {
    const size = 101 * MIB;
    const upload = await begin({ asset_type: 'archive', filename: 'big.txt', size_bytes: size });
    assert.deepEqual([upload.method, upload.part_count, upload.part_size_bytes], ['multipart', 7, 16 * MIB]);
    const parts = upload.parts ?? [];
    assert.equal(
      parts.reduce((sum, part) => sum + part.size_bytes, 0),
      size,
    );
    const bytes = Buffer.alloc(size, 'A line of text that repeats itself.\n');
    const piece = (number: number) => bytes.subarray((number - 1) * 16 * MIB, number * 16 * MIB);
    for (const part of parts.slice(1).toReversed()) {
      assert.equal((await put(part, piece(part.part_number))).status, 200);
    }
    const problem = await assertProblem(await complete(upload.upload_id), 409, 'conflict');
    assert.match(problem.detail, /Part 1 has not arrived/);
    const fresh = await post({}, `/api/uploads/${upload.upload_id}/parts`, { part_numbers: [1] });
    const { parts: signed } = (await fresh.json()) as UploadPartsJson;
    assert.ok(signed[0]);
    assert.equal((await put(signed[0], piece(1))).status, 200);
    const asset = (await (await complete(upload.upload_id)).json()) as AssetJson;
    assert.equal(asset.content_hash, createHash('sha256').update(bytes).digest('hex'));
  });

  test('in parts refuses numbers that are none of the plan', async () => {
    const upload = await begin({ asset_type: 'archive', filename: 'big.txt', size_bytes: 101 * MIB });
    const ask = (numbers: unknown) =>
      post({}, `/api/uploads/${upload.upload_id}/parts`, { part_numbers: numbers });
    for (const numbers of [
      [8],
      [1, 1],
      [],
      [0],
      ['1'],
      'all',
      Array.from({ length: 101 }, (_, at) => at + 1),
    ]) {
      await assertProblem(await ask(numbers), 400, 'invalid_parameter');
    }
    const single = await begin();
    await assertProblem(
      await post({}, `/api/uploads/${single.upload_id}/parts`, { part_numbers: [1] }),
      409,
      'conflict',
    );
  });
});

describe('what is announced', () => {
  const refused: readonly (readonly [string, object | string, number, string])[] = [
    ['a name that hides a path', { filename: '../etc/passwd.txt' }, 400, 'invalid_filename'],
    ['an empty name', { filename: '' }, 400, 'invalid_filename'],
    ['a name too long', { filename: `${'x'.repeat(300)}.txt` }, 400, 'filename_too_long'],
    ['a type that is not accepted', { filename: 'a.exe' }, 400, 'invalid_file_type'],
    ['a type that contradicts the name', { mime_type: 'image/png' }, 400, 'invalid_file_type'],
    ['a file over the limit', { size_bytes: 2 * MIB + 1 }, 413, 'file_too_large'],
    ['an empty file', { size_bytes: 0 }, 400, 'empty_file'],
    ['a size that is no number', { size_bytes: '23' }, 400, 'invalid_parameter'],
    ['an asset type that is none', { asset_type: 'nothing' }, 400, 'unknown_asset_type'],
    ['a digest that is none', { sha256: 'abc' }, 400, 'invalid_parameter'],
    ['metadata that is no object', { metadata: [] }, 400, 'invalid_parameter'],
    ['no name', { filename: undefined }, 400, 'missing_field'],
    ['no JSON', '{"filename":', 400, 'malformed_request'],
    ['a prototype', '{"__proto__":{}}', 400, 'malformed_request'],
    ['a list', '[]', 400, 'invalid_parameter'],
  ];
  for (const [what, body, status, code] of refused) {
    test(`with ${what} is refused as ${code}`, async () => {
      const sent = typeof body === 'string' ? body : announced(body);
      await assertProblem(await post({}, '/api/uploads', sent), status, code);
    });
  }

  test('must be JSON', async () => {
    const form = await server.ask({}, '/api/uploads', { method: 'POST', body: new FormData() });
    await assertProblem(form, 415, 'unsupported_media_type');
    const large = announced({ metadata: { text: 'x'.repeat(64 * 1024) } });
    await assertProblem(await post({}, '/api/uploads', large), 413, 'request_too_large');
  });
});

describe('an upload that does not become an asset', () => {
  test('is refused for its content, once and for all, with an entry in the log', async () => {
    const who = { userId: 'mallory' };
    const script = Buffer.from('<?php system($_GET[0]);');
    const upload = await begin({ size_bytes: script.length }, who);
    await put(upload, script);
    const code = ((await (await complete(upload.upload_id, who)).json()) as ProblemJson).code;
    assert.ok(['suspicious_content', 'file_type_mismatch'].includes(code), code);
    await assertProblem(await complete(upload.upload_id, who), 400, code);
    const target = `/api/uploads/${upload.upload_id}`;
    await assertProblem(await server.ask(who, target, { method: 'DELETE' }), 400, code);
    await assertProblem(await post(who, `${target}/parts`, { part_numbers: [1] }), 400, code);
    await assertProblem(await put(upload, script), 410, 'expired');
    const page = await server.catalog.listAccess({
      ...{ tenantId: 'acme', userId: 'mallory', assetId: null, action: null, fromMs: null, toMs: null },
      ...{ limit: 10, cursor: null },
    });
    assert.deepEqual(
      page.items.map(({ action, outcome, reason, assetType }) => [action, outcome, reason, assetType]),
      [['upload', 'refused', code, 'note']],
    );
    assert.deepEqual(await keysOf(upload), []);
  });

  test('is abandoned once, and nothing of it stays', async () => {
    const upload = await begin();
    await put(upload, TEXT);
    assert.equal((await keysOf(upload)).length, 1);
    const target = `/api/uploads/${upload.upload_id}`;
    assert.equal((await server.ask({}, target, { method: 'DELETE' })).status, 204);
    assert.deepEqual(await keysOf(upload), []);
    await assertProblem(await server.ask({}, target, { method: 'DELETE' }), 404, 'not_found');
    await assertProblem(await complete(upload.upload_id), 404, 'not_found');
    await assertProblem(await put(upload, TEXT), 410, 'expired');
  });

  test('does not abandon an asset', async () => {
    const upload = await begin();
    await put(upload, TEXT);
    assert.equal((await complete(upload.upload_id)).status, 200);
    const answer = await server.ask({}, `/api/uploads/${upload.upload_id}`, { method: 'DELETE' });
    await assertProblem(answer, 409, 'conflict');
  });

  test('is nobody else’s, not even an admin’s', async () => {
    const upload = await begin();
    for (const who of [{ userId: 'bob' }, { userId: 'root', role: 'admin' }] as const)
      await assertProblem(await complete(upload.upload_id, who), 403, 'forbidden');
    await assertProblem(await complete(upload.upload_id, { tenantId: 'globex' }), 404, 'not_found');
    await assertProblem(await complete('no-id'), 404, 'not_found');
  });

  test('expires after an hour', async () => {
    const upload = await begin();
    await put(upload, TEXT);
    server.advance(HOUR_MS);
    await assertProblem(await put(upload, TEXT), 410, 'expired');
    await assertProblem(await complete(upload.upload_id), 410, 'expired');
    const answer = await server.ask({}, `/api/uploads/${upload.upload_id}`, { method: 'DELETE' });
    await assertProblem(answer, 410, 'expired');
  });
});

test('of twenty that begin at once against a limit of five, five get a URL, and one given up frees a place', async () => {
  await using limited = await openServerFixture({ filesPerHour: 5 });
  const ask = () =>
    limited.ask({}, '/api/uploads', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(announced()),
    });
  const answers = await Promise.all(Array.from({ length: 20 }, ask));
  const begun = answers.filter(({ status }) => status === 201);
  assert.equal(begun.length, 5);
  const refused = answers.filter(({ status }) => status === 429);
  assert.equal(refused.length, 15);
  assert.ok(refused.every(({ headers }) => headers.has('retry-after') && headers.has('ratelimit-reset')));
  const [first] = begun;
  assert.ok(first);
  const { upload_id: uploadId } = (await first.json()) as UploadInstructionsJson;
  assert.equal((await limited.ask({}, `/api/uploads/${uploadId}`, { method: 'DELETE' })).status, 204);
  assert.equal((await ask()).status, 201);
  assert.equal((await ask()).status, 429);
});

test('ten uploads are open at most where the limit is ten', async () => {
  await using crowded = await openServerFixture();
  const ask = () =>
    crowded.ask({}, '/api/uploads', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(announced()),
    });
  const statuses = await Promise.all(Array.from({ length: 12 }, async () => (await ask()).status));
  assert.deepEqual(statuses.toSorted(), [...Array(10).fill(201), 409, 409]);
});

/** What lies below `incoming/` of an upload. */
async function keysOf(upload: UploadInstructionsJson): Promise<string[]> {
  const page = await server.bucket.list({ prefix: 'incoming/', cursor: null, limit: 1000 });
  return page.entries.map(({ key }) => key).filter((key) => key.includes(upload.upload_id));
}
