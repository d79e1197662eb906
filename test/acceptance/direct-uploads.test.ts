import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { type Caller, KEY_FIELDS } from './caller.ts';
import { type Answer, assertProblem, form } from './http.ts';
import { hostileArchives, hostileDocuments, hostileNames, hostilePictures } from './samples/hostile.ts';
import { type Sample, sample } from './samples/index.ts';
import { type Service, startService } from './service.ts';
import type { Asset, LogPage } from './wire.ts';

const MIB = 1024 * 1024;

let service: Service;
before(async () => {
  service = await startService();
});
after(async () => {
  await service[Symbol.asyncDispose]();
});

/** What `POST /api/uploads` answers. */
interface Instructions {
  readonly upload_id: string;
  readonly method: 'put' | 'post' | 'multipart';
  readonly url?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly fields?: Readonly<Record<string, string>>;
  readonly parts?: readonly Part[];
  readonly part_count?: number;
  readonly part_size_bytes?: number;
  readonly expires_at: string;
  readonly size_enforced_by: 'store' | 'completion';
}
interface Part {
  readonly part_number: number;
  readonly size_bytes: number;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
const json = (body: object) => ({
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

function announce(caller: Caller, assetType: string, file: Sample, more: object = {}): Promise<Answer> {
  const announced = {
    filename: file.filename,
    size_bytes: file.bytes.length,
    mime_type: file.mediaType,
    asset_type: assetType,
    ...KEY_FIELDS[assetType],
    ...more,
  };
  return caller.send('POST', '/api/uploads', json(announced));
}

async function begin(caller: Caller, assetType: string, file: Sample, more = {}): Promise<Instructions> {
  const answer = await announce(caller, assetType, file, more);
  assert.equal(answer.status, 201, answer.text);
  return answer.json<Instructions>();
}

/** Sends the bytes to the store as the instructions say, by whoever has them: no token goes along. */
async function sendBytes(to: Instructions, bytes: Buffer): Promise<Answer> {
  if (to.method === 'put') {
    return service.send('PUT', to.url ?? '', { headers: to.headers ?? {}, body: bytes });
  }
  assert.equal(to.method, 'post');
  const fields = Object.entries(to.fields ?? {}).map(([name, body]) => ({ name, body }));
  const made = form([...fields, { name: 'file', filename: 'file', body: bytes }]);
  return service.send('POST', to.url ?? '', { headers: made.headers, body: made.body });
}

const complete = (caller: Caller, { upload_id: uploadId }: Instructions) =>
  caller.send('POST', `/api/uploads/${uploadId}/complete`);

async function upload(caller: Caller, assetType: string, file: Sample, more = {}): Promise<Answer> {
  const begun = await announce(caller, assetType, file, more);
  if (begun.status !== 201) return begun;
  const instructions = begun.json<Instructions>();
  const sent = await sendBytes(instructions, file.bytes);
  assert.ok(sent.status >= 200 && sent.status < 300, sent.text);
  return complete(caller, instructions);
}

describe('a file that goes straight to the store', () => {
  for (const [assetType, extension] of [
    ['brand_image', 'png'],
    ['generated_video', 'mp4'],
    ['lora_training', 'zip'],
    ['study_material', 'docx'],
    ['task_attachment', 'pdf'],
    ['invoice', 'xml'],
    ['image', 'avif'],
  ] as const) {
    test(`as ${assetType} .${extension} becomes the asset that a form would have made`, async () => {
      const alice = service.as('alice');
      const file = sample(extension, 21);
      const answer = await upload(alice, assetType, file, { sha256: sha256(file.bytes), metadata: { n: 1 } });
      assert.equal(answer.status, 200, answer.text);
      const asset = answer.json<Asset>();
      const twin = await alice.store(assetType, sample(extension, 21));
      assert.deepEqual(Object.keys(asset).toSorted(), Object.keys(twin).toSorted());
      assert.deepEqual(
        [asset.mime_type, asset.content_hash, asset.size_bytes, asset.filename, asset.user_id],
        [twin.mime_type, twin.content_hash, twin.size_bytes, twin.filename, 'alice'],
      );
      assert.deepEqual(asset.metadata, { n: 1 });
      assert.equal(asset.key.split('/')[0], twin.key.split('/')[0]);
      const read = await service.send('GET', asset.presigned_url);
      assert.deepEqual(read.body, file.bytes);
      assert.deepEqual((await alice.get(`/api/assets/${asset.asset_id}/download`)).body, file.bytes);
    });
  }

  test('is listed, counted and logged as an upload, once', async () => {
    const dora = service.as('dora');
    const asset = (await upload(dora, 'image', sample('png', 3))).json<Asset>();
    assert.deepEqual(
      (await dora.assets()).map(({ asset_id: id }) => id),
      [asset.asset_id],
    );
    assert.deepEqual(await dora.usage(), { files: 1, bytes: asset.size_bytes });
    const uploads = (await dora.log(asset.asset_id)).filter(({ action }) => action === 'upload');
    assert.deepEqual(
      uploads.map(({ outcome, key, user_id: userId }) => [outcome, key, userId]),
      [['ok', asset.key, 'dora']],
    );
  });

  test('in parts goes up side by side and out of order', async () => {
    const alice = service.as('alice');
    const bytes = Buffer.alloc(101 * MIB);
    sample('mp4', 5).bytes.copy(bytes);
    // The rest is one box of free space, as players know it.
    const startsAt = sample('mp4', 5).bytes.length;
    bytes.writeUInt32BE(bytes.length - startsAt, startsAt);
    bytes.write('free', startsAt + 4, 'latin1');
    const file = { filename: 'long.mp4', mediaType: 'video/mp4', bytes };
    const begun = await begin(alice, 'generated_video', file);
    assert.equal(begun.method, 'multipart');
    const parts = begun.parts ?? [];
    assert.equal(begun.part_count, parts.length);
    const partBytes = begun.part_size_bytes ?? 0;
    const put = (part: Part) => {
      const from = (part.part_number - 1) * partBytes;
      const body = bytes.subarray(from, from + part.size_bytes);
      return service.send('PUT', part.url, { headers: part.headers, body });
    };
    const [first, ...others] = parts;
    assert.ok(first);
    await Promise.all(others.toReversed().map(put));
    assertProblem(await complete(alice, begun), 409, 'conflict');
    const fresh = await alice.send(
      'POST',
      `/api/uploads/${begun.upload_id}/parts`,
      json({ part_numbers: [1] }),
    );
    const [again] = fresh.json<{ parts: readonly Part[] }>().parts;
    assert.ok(again);
    const sent = await put(again);
    assert.ok(sent.status === 200 || sent.status === 201, sent.text);
    const answer = await complete(alice, begun);
    // The gate may refuse so much filling; what counts is that it saw all the bytes in their order.
    if (answer.status === 200) assert.equal(answer.json<Asset>().content_hash, sha256(bytes));
    else assertProblem(answer, 400, 'suspicious_content');
  });
});

describe('the URL of an upload', () => {
  test('can not touch the asset, nor bring bytes for another', async () => {
    const alice = service.as('alice');
    const file = sample('png', 8);
    const begun = await begin(alice, 'image', file);
    await sendBytes(begun, file.bytes);
    const asset = (await complete(alice, begun)).json<Asset>();
    await sendBytes(begun, sample('png', 9).bytes);
    const read = await alice.get(`/api/assets/${asset.asset_id}/download`);
    assert.deepEqual(read.body, file.bytes);
    const again = await complete(alice, begun);
    assert.equal(again.json<Asset>().asset_id, asset.asset_id);
    assert.equal(again.json<Asset>().content_hash, sha256(file.bytes));
  });

  test('can not swap the bytes that were judged, however often it brings others meanwhile', async () => {
    const alice = service.as('alice');
    const files = [31, 32].map((seed) => sample('png', seed));
    const [first] = files;
    assert.ok(first);
    const begun = await begin(alice, 'image', first);
    await sendBytes(begun, first.bytes);
    let isOver = false;
    const swapping = (async () => {
      for (let turn = 1; !isOver; turn += 1) {
        // The same size, or the store would refuse it; where it has been promoted already nothing takes it.
        const bytes = Buffer.from(files[turn % 2]?.bytes ?? first.bytes);
        if (bytes.length === first.bytes.length) await sendBytes(begun, bytes);
      }
    })();
    let answer = await complete(alice, begun);
    for (let attempt = 1; answer.status === 409 && attempt < 10; attempt += 1)
      answer = await complete(alice, begun);
    isOver = true;
    await swapping;
    // A swap that was seen is a conflict; else the asset is what was judged, whichever of the two that was.
    if (answer.status !== 200) return void assertProblem(answer, 409, 'conflict');
    const asset = answer.json<Asset>();
    const read = await alice.get(`/api/assets/${asset.asset_id}/download`);
    assert.equal(sha256(read.body), asset.content_hash);
  });

  test('reads nothing, and nothing reads what it brought', async () => {
    const begun = await begin(service.as('alice'), 'image', sample('png', 8));
    await sendBytes(begun, sample('png', 8).bytes);
    const url = begun.url ?? '';
    assert.ok((await service.send('GET', url)).status >= 400);
    assert.ok((await service.send('GET', url.split('?')[0] ?? '')).status >= 400);
    assert.equal((await service.send('GET', `/public/incoming/${begun.upload_id}`)).status, 404);
  });
});

describe('hostile files get the same verdict through this door', () => {
  const table = [...hostilePictures(), ...hostileDocuments(), ...hostileArchives(), ...hostileNames()];
  for (const { title, assetType, file, codes } of table) {
    test(title, async () => {
      const mallory = service.as('mallory');
      const form = await mallory.upload(assetType, [file]);
      const direct = await upload(mallory, assetType, file);
      const told = direct.json<{ code?: string }>().code ?? 'accepted';
      const toldOfForm = form.json<{ code?: string }>().code ?? 'accepted';
      if (toldOfForm === 'malformed_request') {
        // A form can't even carry such a name; JSON can, unless it is larger than a request may be.
        assert.ok([...codes, 'request_too_large'].includes(told), direct.text);
        return;
      }
      assert.deepEqual([direct.status, told], [form.status, toldOfForm], direct.text);
    });
  }

  test('and leave refusals in the log, and no bytes', async () => {
    const eve = service.as('eve');
    const before = (await service.storedFiles()).length;
    const [hostile] = hostilePictures();
    assert.ok(hostile);
    const answer = await upload(eve, hostile.assetType, hostile.file);
    const { code } = answer.json<{ code: string }>();
    const admin = service.as('root', { role: 'admin' });
    const log = (await admin.get('/api/access-log?user_id=eve')).json<LogPage>();
    assert.deepEqual(
      log.entries.map(({ action, outcome, reason }) => [action, outcome, reason]),
      [['upload', 'refused', code]],
    );
    assert.equal((await service.storedFiles()).length, before);
  });
});

describe('an upload', () => {
  test('that is given up is gone', async () => {
    const alice = service.as('alice');
    const begun = await begin(alice, 'image', sample('png', 2));
    await sendBytes(begun, sample('png', 2).bytes);
    const target = `/api/uploads/${begun.upload_id}`;
    assert.equal((await alice.send('DELETE', target)).status, 204);
    assertProblem(await alice.send('DELETE', target), 404, 'not_found');
    assertProblem(await complete(alice, begun), 404, 'not_found');
  });

  test('is its owner’s alone', async () => {
    const begun = await begin(service.as('alice'), 'image', sample('png', 2));
    assertProblem(await complete(service.as('bob'), begun), 403, 'forbidden');
    const foreigner = service.as('alice', { tenant_id: 'globex' });
    assertProblem(await complete(foreigner, begun), 404, 'not_found');
  });

  test('that waits for its bytes is a conflict to complete, and of many completions one asset comes', async () => {
    const alice = service.as('alice');
    const file = sample('png', 12);
    const begun = await begin(alice, 'image', file);
    assertProblem(await complete(alice, begun), 409, 'conflict');
    await sendBytes(begun, file.bytes);
    const answers = await Promise.all(Array.from({ length: 6 }, () => complete(alice, begun)));
    const ids = answers.filter(({ status }) => status === 200).map((each) => each.json<Asset>().asset_id);
    assert.ok(ids.length > 0 && new Set(ids).size === 1);
    for (const answer of answers) if (answer.status !== 200) assertProblem(answer, 409, 'conflict');
  });

  test('with another digest than the announced one is refused', async () => {
    const file = sample('png', 4);
    const begun = await begin(service.as('alice'), 'image', file, { sha256: '0'.repeat(64) });
    const sent = await sendBytes(begun, file.bytes);
    if (sent.status < 300) assertProblem(await complete(service.as('alice'), begun), 400, 'digest_mismatch');
    else assert.ok(sent.status >= 400 && sent.status < 500, 'the store has refused it already');
  });
});

test('of twenty uploads that begin at once against a limit of five exactly five do, whatever door', async () => {
  await using limited = await startService({ UPLOADS_PER_HOUR: '5' });
  const alice = limited.as('alice');
  const file = sample('png', 6);
  const answers = await Promise.all(Array.from({ length: 20 }, () => announce(alice, 'image', file)));
  const begun = answers.filter(({ status }) => status === 201);
  assert.equal(begun.length, 5);
  for (const answer of answers) if (answer.status !== 201) assertProblem(answer, 429, 'rate_limited');
  assertProblem(await alice.upload('image', [file]), 429, 'rate_limited');
  const [first] = begun;
  assert.ok(first);
  const { upload_id: uploadId } = first.json<Instructions>();
  assert.equal((await alice.send('DELETE', `/api/uploads/${uploadId}`)).status, 204);
  assert.equal((await alice.upload('image', [file])).status, 200);
  assertProblem(await announce(alice, 'image', file), 429, 'rate_limited');
});
