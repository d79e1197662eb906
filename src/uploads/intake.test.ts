import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { describe, it } from 'node:test';
import { MIB, streamOf } from '../core/bytes.ts';
import { type ErrorCode, isStowageError, StowageError } from '../core/errors.ts';
import { spentAllowance } from './allowance.ts';
import {
  ALICE,
  beforeCommit,
  failingFromPut,
  formBody,
  formRequest,
  type IntakeFixture,
  inChunks,
  NOTE,
  note,
  openIntakeFixture,
  type PartToSend,
  TYPE,
} from './intake-fixture.ts';
import { pseudonym } from './store-file.ts';
import type { FormUploadRequest } from './upload.ts';

const TASK_TYPE: PartToSend = { name: 'asset_type', value: 'task_note' };
const TASK: PartToSend = { name: 'task_id', value: 't1' };

function sha256(text: string | Buffer): string {
  return createHash('sha256').update(text).digest('hex');
}

/** A refused form: nothing stays of it, and the log says so. */
async function refused(
  fixture: IntakeFixture,
  request: FormUploadRequest,
  code: ErrorCode,
  fields: object = {},
): Promise<void> {
  const before = await fixture.keys();
  const rows = await fixture.assets();
  const entries = await fixture.entries();
  await assert.rejects(fixture.intake.receiveForm(request), (error) => {
    assert.ok(isStowageError(error), String(error));
    assert.equal(error.code, code, error.message);
    for (const [name, value] of Object.entries(fields)) {
      assert.equal((error.fields as Record<string, unknown>)[name], value, name);
    }
    return true;
  });
  assert.deepEqual(await fixture.keys(), before);
  assert.deepEqual(await fixture.spoolNames(), []);
  assert.deepEqual(await fixture.assets(), rows);
  const added = (await fixture.entries()).slice(entries.length);
  assert.deepEqual(
    added.map(({ action, outcome, reason, userId }) => [action, outcome, reason, userId]),
    [['upload', 'refused', code, 'alice']],
  );
}

describe('an upload', () => {
  it('becomes an object, a row and a log entry', async () => {
    await using fixture = await openIntakeFixture();
    const parts = [TYPE, { name: 'metadata', value: '{"a":{"b":[1,"é"]}}' }, note('naïve 1.txt', 'Hello.\n')];
    const receipt = await fixture.intake.receiveForm(formRequest(parts));

    const [asset] = receipt.assets;
    assert.equal(receipt.replayed, false);
    assert.deepEqual(receipt.allowance, { limit: 100, remaining: 99, resetSeconds: 3600 });
    const { assetId, key, ...rest } = asset ?? assert.fail();
    assert.match(key, /^notes\/alice\/[0-9a-f]{8}_naive_1\.txt$/);
    assert.deepEqual(rest, {
      tenantId: 'acme',
      userId: 'alice',
      assetType: 'note',
      backend: 'memory',
      filename: 'naïve 1.txt',
      sizeBytes: 7,
      mediaType: 'text/plain',
      contentHash: sha256('Hello.\n'),
      metadata: { a: { b: [1, 'é'] } },
      createdAtMs: 1_700_000_000_000,
      state: 'stored',
    });
    assert.deepEqual(await fixture.catalog.findAsset('acme', assetId), asset);
    const entries = await fixture.entries();
    assert.deepEqual(
      entries.map((entry) => [entry.action, entry.outcome, entry.assetId, entry.key]),
      [['upload', 'ok', assetId, key]],
    );
    const info = await fixture.backend.head(key, {});
    assert.deepEqual([info.contentType, info.cacheControl], ['text/plain', NOTE.cacheControl]);
    assert.deepEqual(info.metadata, {
      uploaded_by: pseudonym(ALICE),
      upload_timestamp: '2023-11-14T22:13:20.000Z',
      content_hash: sha256('Hello.\n'),
    });
  });

  it('has the same outcome in every order of its parts', async () => {
    await using fixture = await openIntakeFixture();
    const files = [note('a.txt'), note('b.txt', 'b'.repeat(200_000)), note('c.txt')];
    const others = [TASK_TYPE, TASK];
    for (const places of orders(files.length, others.length)) {
      const parts = places.map((place) =>
        place < files.length ? files[place] : others[place - files.length],
      );
      const { assets } = await fixture.intake.receiveForm(formRequest(parts as PartToSend[]));
      const names = assets.map(({ filename, contentHash }) => [filename, contentHash]);
      assert.deepEqual(
        names,
        files.map(({ filename, value }) => [filename, sha256(value)]),
      );
      assert.deepEqual(await fixture.spoolNames(), []);
    }
  });

  it('takes the asset type and the fields of the key from the query too', async () => {
    await using fixture = await openIntakeFixture();
    const query = new Map([
      ['asset_type', 'task_note'],
      ['task_id', 't9'],
    ]);
    const { assets } = await fixture.intake.receiveForm(formRequest([note('a.txt')], { query }));
    assert.match(assets[0]?.key ?? '', /^tasks\/t9\//);
    await refused(fixture, formRequest([TASK, note('a.txt')], { query }), 'invalid_parameter', {
      parameter: 'task_id',
    });
  });

  it('may name its files file and files[] as well', async () => {
    await using fixture = await openIntakeFixture();
    const parts = ['files', 'file', 'files[]'].map((name) => ({ ...note(`${name.length}.txt`), name }));
    assert.equal((await fixture.intake.receiveForm(formRequest([TYPE, ...parts]))).assets.length, 3);
    const request = formRequest([TYPE, { ...note('a.txt'), name: 'avatar' }]);
    await refused(fixture, request, 'invalid_parameter', { parameter: 'avatar' });
  });

  it('leaves out the nameless file that browsers send where none was chosen', async () => {
    await using fixture = await openIntakeFixture();
    const none = { name: 'files', filename: '', type: 'application/octet-stream', value: '' };
    assert.equal(
      (await fixture.intake.receiveForm(formRequest([TYPE, none, note('a.txt')]))).assets.length,
      1,
    );
    await refused(fixture, formRequest([TYPE, none]), 'missing_field', { parameter: 'files' });
    await refused(fixture, formRequest([TYPE, { ...none, value: 'x' }]), 'invalid_filename');
  });
});

/** Orders of numbered files, which keep their order, and other parts, which may stand anywhere. */
function orders(files: number, others: number): number[][] {
  let found: number[][] = [Array.from({ length: files }, (_, index) => index)];
  for (let other = files; other < files + others; other += 1) {
    found = found.flatMap((order) =>
      Array.from({ length: order.length + 1 }, (_, at) => [...order.slice(0, at), other, ...order.slice(at)]),
    );
  }
  return found;
}

describe('a form is refused, with nothing kept,', () => {
  it('when something it needs is missing', async () => {
    await using fixture = await openIntakeFixture();
    await refused(fixture, formRequest([TYPE]), 'missing_field', { parameter: 'files' });
    await refused(fixture, formRequest([note('a.txt')]), 'missing_field', { parameter: 'asset_type' });
    await refused(fixture, formRequest([TASK_TYPE, note('a.txt')]), 'missing_field', {
      parameter: 'task_id',
    });
    await refused(fixture, formRequest([]), 'missing_field');
  });

  it('with the asset types there are, when it names another', async () => {
    await using fixture = await openIntakeFixture();
    const unknown = { name: 'asset_type', value: 'imagee' };
    await assert.rejects(fixture.intake.receiveForm(formRequest([unknown])), (error) => {
      assert.ok(isStowageError(error, 'unknown_asset_type'));
      assert.match(error.message, /There is no such asset type\. There are: \w+/);
      return true;
    });
  });

  it('when something it says makes no sense', async () => {
    await using fixture = await openIntakeFixture();
    const unknown = { name: 'asset_type', value: 'nothing' };
    await refused(fixture, formRequest([unknown, note('a.txt')]), 'unknown_asset_type');
    await refused(fixture, formRequest([note('a.txt'), unknown]), 'unknown_asset_type');
    await refused(fixture, formRequest([TYPE, note('a.txt'), TASK_TYPE]), 'invalid_parameter', {
      parameter: 'asset_type',
    });
    for (const value of ['../x', '..', 'a/b']) {
      for (const parts of [
        [TASK_TYPE, { ...TASK, value }, note('a.txt')],
        [note('a.txt'), TASK_TYPE, { ...TASK, value }],
      ]) {
        await refused(fixture, formRequest(parts), 'invalid_parameter', { parameter: 'task_id' });
      }
    }
    for (const value of [
      '',
      '[]',
      'null',
      '"x"',
      '{',
      '{"a":1e999}',
      '{"a":[12345678901234567890]}',
      '{"a":-9007199254740993}',
      '{"a":"\\u0000"}',
      '{"\\ud800":1}',
      `{"a":"${'x'.repeat(16 * 1024)}"}`,
      `${'{"a":'.repeat(17)}1${'}'.repeat(17)}`,
    ]) {
      const metadata = { name: 'metadata', value };
      await refused(fixture, formRequest([TYPE, metadata, note('a.txt')]), 'invalid_parameter', {
        parameter: 'metadata',
      });
    }
  });

  it('when one of its files is, wherever it stands', async () => {
    await using fixture = await openIntakeFixture();
    const bad = note('bad.txt', Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 1, 2, 3]));
    for (const parts of [
      [bad, note('b.txt')],
      [note('a.txt'), bad],
      [note('a.txt'), bad, note('c.txt')],
    ]) {
      await refused(fixture, formRequest([TYPE, ...parts]), 'suspicious_content', { filename: 'bad.txt' });
      await refused(fixture, formRequest([...parts, TYPE]), 'suspicious_content', { filename: 'bad.txt' });
    }
    await refused(fixture, formRequest([TYPE, note('a.txt', '')]), 'empty_file', { filename: 'a.txt' });
    await refused(fixture, formRequest([TYPE, note('a.png')]), 'invalid_file_type', { filename: 'a.png' });
    const longName = `${'x'.repeat(252)}.txt`;
    await refused(fixture, formRequest([TYPE, note(longName)]), 'filename_too_long');
  });

  it('when a file or the whole is too large', async () => {
    await using fixture = await openIntakeFixture();
    const large = note('large.txt', Buffer.alloc(MIB + 1, 'x'));
    const facts = { filename: 'large.txt', limit_bytes: MIB };
    await refused(fixture, formRequest([TYPE, large]), 'file_too_large', facts);
    await refused(fixture, formRequest([large, TYPE]), 'file_too_large', facts);

    const query = new Map([['asset_type', 'note']]);
    const limit = { limit_bytes: 4 * MIB };
    let readBytes = 0;
    const announced = formRequest([note('a.txt')], {
      query,
      contentLength: 4 * MIB + 1,
      body: Readable.from([Buffer.alloc(1)])
        .on('data', () => {
          readBytes += 1;
        })
        .pause(),
    });
    await refused(fixture, announced, 'request_too_large', limit);
    assert.equal(readBytes, 0);
    const padding = Buffer.alloc(3 * MIB + 2, 'x');
    const unannounced = formRequest([{ ...note('a.txt'), name: 'files', value: padding }], {
      contentLength: null,
    });
    await refused(fixture, { ...unannounced, query }, 'file_too_large');
    const many = Array.from({ length: 60 }, (_, index) => ({ name: `f${index}`, value: 'x'.repeat(60_000) }));
    const whole = formRequest([TYPE, ...many, note('a.txt', Buffer.alloc(MIB, 'x'))], {
      contentLength: null,
    });
    await refused(fixture, whole, 'request_too_large', limit);
  });

  it('when it has too many files', async () => {
    await using fixture = await openIntakeFixture();
    const files = ['a', 'b', 'c', 'd'].map((name) => note(`${name}.txt`));
    await refused(fixture, formRequest([TYPE, ...files]), 'too_many_files');
    await refused(fixture, formRequest([...files, TYPE]), 'too_many_files');
    const eleven = Array.from({ length: 11 }, (_, index) => note(`${index}.txt`));
    await refused(fixture, formRequest([...eleven, TASK_TYPE, TASK]), 'too_many_files');
  });

  it('when a digest differs', async () => {
    await using fixture = await openIntakeFixture();
    const files = [note('a.txt'), note('b.txt')];
    const [a = '', b = ''] = files.map(({ value }) => sha256(value));
    const digests = (...values: string[]) => values.map((value) => ({ name: 'sha256', value }));
    const listed = (...values: string[]) => values.map((value) => ({ name: 'sha256[]', value }));
    await fixture.intake.receiveForm(formRequest([TYPE, ...digests(a, b), ...files]));
    await fixture.intake.receiveForm(formRequest([...files, TYPE, ...digests(`${a.toUpperCase()}, ${b}`)]));
    const other = { filename: 'b.txt' };
    await fixture.intake.receiveForm(formRequest([TYPE, ...listed(a, b), ...files]));
    await refused(fixture, formRequest([TYPE, ...listed(a, a), ...files]), 'digest_mismatch', other);
    await refused(fixture, formRequest([TYPE, ...digests(a, a), ...files]), 'digest_mismatch', other);
    await refused(fixture, formRequest([...files, ...digests(a, a), TYPE]), 'digest_mismatch', other);
    for (const values of [[a], [a, b, b], [a, 'x']]) {
      await refused(fixture, formRequest([TYPE, ...digests(...values), ...files]), 'invalid_parameter', {
        parameter: 'sha256',
      });
    }
    const body = formBody([TYPE, ...files]);
    const reprDigest = (bytes: Buffer) => `sha-256=:${createHash('sha256').update(bytes).digest('base64')}:`;
    await fixture.intake.receiveForm(formRequest(body, { reprDigest: reprDigest(body) }));
    await refused(
      fixture,
      formRequest(body, { reprDigest: reprDigest(Buffer.from('x')) }),
      'digest_mismatch',
    );
    await refused(fixture, formRequest(body, { reprDigest: 'sha-256=abc' }), 'invalid_parameter');
  });

  it('when it is no form, or a broken one', async () => {
    await using fixture = await openIntakeFixture();
    const body = formBody([TYPE, note('a.txt')]);
    await refused(fixture, formRequest(body, { contentType: 'image/png' }), 'unsupported_media_type');
    await refused(fixture, formRequest(body.subarray(0, -10)), 'malformed_request');
    await refused(
      fixture,
      formRequest(formBody([note('a.txt'), TYPE]).subarray(0, -10)),
      'malformed_request',
    );
  });
});

describe('when the store fails', () => {
  it('what was stored is removed and the failure is told', async () => {
    await using fixture = await openIntakeFixture({ wrapBucket: failingFromPut(3) });
    const files = ['a.txt', 'b.txt', 'c.txt'].map((name) => note(name));
    await assert.rejects(fixture.intake.receiveForm(formRequest([TYPE, ...files])), (error) =>
      isStowageError(error, 'storage_unavailable'),
    );
    assert.deepEqual(await fixture.keys(), []);
    assert.deepEqual(await fixture.entries(), [], 'a failure of ours is no refusal');
    assert.equal(fixture.logged.at(-1)?.level, 'error');
  });

  it('another key is drawn while the bytes have not begun to flow', async () => {
    const taken: string[] = [];
    await using fixture = await openIntakeFixture({
      wrapBucket: (bucket) => ({
        ...bucket,
        deleteMany: (keys, options) => bucket.deleteMany(keys, options),
        put: async (key, body, options) => {
          taken.push(key);
          if (taken.length % 4 !== 3) throw new StowageError('object_exists', 'Taken.');
          return bucket.put(key, body, options);
        },
      }),
    });
    const { assets } = await fixture.intake.receiveForm(formRequest([TYPE, note('a.txt')]));
    assert.equal(assets[0]?.key, taken[2]);
    assert.equal(new Set(taken).size, 3);
  });

  it('another key is drawn for a small file also after its bytes have flowed', async () => {
    const puts: string[] = [];
    await using fixture = await openIntakeFixture({
      wrapBucket: (bucket) => ({
        deleteMany: (keys, options) => bucket.deleteMany(keys, options),
        put: async (key, body, options) => {
          puts.push(key);
          // Somebody else has the first key of each file by then.
          const theirs = { ...options, sizeBytes: 6, metadata: {} };
          if (puts.length % 2 === 1) await bucket.put(key, streamOf(Buffer.from('theirs')), theirs);
          return bucket.put(key, body, options);
        },
      }),
    });
    const files = [note('a.txt', 'a'.repeat(40_000)), note('b.txt')];
    // Stored as they arrive, and from the spool.
    for (const parts of [
      [TYPE, ...files],
      [...files, TYPE],
    ]) {
      puts.length = 0;
      const { assets } = await fixture.intake.receiveForm(formRequest(parts));
      assert.deepEqual(
        assets.map(({ key, contentHash }) => [key, contentHash]),
        files.map(({ value }, index) => [puts[2 * index + 1], sha256(value)]),
      );
      for (const { key, sizeBytes } of assets)
        assert.equal((await fixture.backend.head(key, {})).sizeBytes, sizeBytes);
    }
    assert.equal((await fixture.keys()).length, 8);
    assert.equal((await fixture.assets()).length, 4);
  });

  it('a file whose keys are all taken is a conflict, and what was stored before it is removed', async () => {
    let puts = 0;
    await using late = await openIntakeFixture({
      wrapBucket: (bucket) => ({
        deleteMany: (keys, options) => bucket.deleteMany(keys, options),
        put: async (key, body, options) => {
          puts += 1;
          if (puts % 4 === 1) return bucket.put(key, body, options);
          for await (const _chunk of body);
          throw new StowageError('object_exists', 'Taken.');
        },
      }),
    });
    await refused(late, formRequest([TYPE, note('a.txt'), note('b.txt')]), 'conflict', { filename: 'b.txt' });
    assert.equal(puts, 4);
  });
});

describe('when the catalog fails', () => {
  it('bytes stay when rows may exist: never a row without its bytes', async () => {
    await using fixture = await openIntakeFixture({
      wrapCatalog: beforeCommit(() => {
        throw new StowageError('database_unavailable', 'The connection was lost.');
      }),
    });
    await assert.rejects(fixture.intake.receiveForm(formRequest([TYPE, note('a.txt')])), (error) =>
      isStowageError(error, 'database_unavailable'),
    );
    assert.equal((await fixture.keys()).length, 1, 'an orphan for the sweeper');
  });

  it('bytes stay when rows do exist, though their answer was lost', async () => {
    await using fixture = await openIntakeFixture({
      wrapCatalog: (catalog) => ({
        ...catalog,
        commitUpload: async (...given) => {
          await catalog.commitUpload(...given);
          throw new StowageError('database_unavailable', 'The connection was lost.');
        },
      }),
    });
    await assert.rejects(fixture.intake.receiveForm(formRequest([TYPE, note('a.txt')])), (error) =>
      isStowageError(error, 'database_unavailable'),
    );
    const rows = await fixture.assets();
    assert.equal(rows.length, 1);
    assert.deepEqual(
      await fixture.keys(),
      rows.map(({ key }) => key),
    );
  });

  it('bytes go when it said no', async () => {
    await using fixture = await openIntakeFixture({
      wrapCatalog: beforeCommit(() => {
        throw new StowageError('conflict', 'The key is recorded.');
      }),
    });
    await refused(fixture, formRequest([TYPE, note('a.txt')]), 'conflict');
  });
});

describe('the rate limit', () => {
  it('counts files: of 20 at once exactly as many pass as are allowed', async () => {
    await using fixture = await openIntakeFixture({ uploadLimit: { filesMax: 5, windowSeconds: 3600 } });
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, () => fixture.intake.receiveForm(formRequest([TYPE, note('a.txt')]))),
    );
    const failures = results.filter((result) => result.status === 'rejected');
    assert.equal(failures.length, 15);
    for (const { reason } of failures) {
      assert.ok(isStowageError(reason, 'rate_limited'));
      assert.equal(reason.fields.retry_after_seconds, 3600);
      assert.equal(spentAllowance(reason)?.limit, 5);
    }
    assert.equal((await fixture.keys()).length, 5);
    assert.equal((await fixture.assets()).length, 5);
  });

  it('is told before the body is read', async () => {
    await using fixture = await openIntakeFixture({ uploadLimit: { filesMax: 0, windowSeconds: 60 } });
    let read = false;
    const body = (async function* () {
      read = true;
      yield Buffer.from('x');
    })();
    await refused(fixture, formRequest([], { body }), 'rate_limited');
    assert.equal(read, false);
  });

  it('is not used up by refused requests', async () => {
    await using fixture = await openIntakeFixture({ uploadLimit: { filesMax: 2, windowSeconds: 60 } });
    await refused(fixture, formRequest([TYPE, note('a.txt'), note('b.png')]), 'invalid_file_type');
    await refused(fixture, formRequest([TYPE, note('a.txt'), note('b.txt'), note('c.txt')]), 'rate_limited');
    await fixture.intake.receiveForm(formRequest([TYPE, note('a.txt'), note('b.txt')]));
  });
});

describe('an Idempotency-Key', () => {
  const keyed = (parts: readonly PartToSend[], changes: Partial<FormUploadRequest> = {}) =>
    formRequest(parts, { idempotencyKey: 'k1', ...changes });

  it('makes a repeated request answer the same, without storing again', async () => {
    await using fixture = await openIntakeFixture({ uploadLimit: { filesMax: 1, windowSeconds: 60 } });
    const first = await fixture.intake.receiveForm(keyed([TYPE, note('a.txt')]));
    const second = await fixture.intake.receiveForm(keyed([TYPE, note('a.txt')]));
    assert.deepEqual([first.replayed, second.replayed], [false, true]);
    assert.deepEqual(second.assets, first.assets);
    assert.equal((await fixture.keys()).length, 1);
    const [{ assetId } = assert.fail()] = first.assets;
    const [entry = assert.fail()] = await fixture.entries();
    assert.ok(await fixture.catalog.tombstoneAsset('acme', assetId, { ...entry, action: 'delete' }));
    await refused(fixture, keyed([TYPE, note('a.txt')]), 'expired');
  });

  it('lets one of eight at once through', async () => {
    await using fixture = await openIntakeFixture();
    const results = await Promise.allSettled(
      Array.from({ length: 8 }, () => fixture.intake.receiveForm(keyed([TYPE, note('a.txt')]))),
    );
    const failed = results.filter((result) => result.status === 'rejected');
    for (const { reason } of failed) assert.ok(isStowageError(reason, 'conflict'));
    const stored = results.filter((result) => result.status === 'fulfilled' && !result.value.replayed);
    assert.equal(stored.length, 1);
    assert.equal((await fixture.keys()).length, 1);
    assert.equal((await fixture.assets()).length, 1);
  });

  it('of another request is a conflict', async () => {
    await using fixture = await openIntakeFixture();
    await fixture.intake.receiveForm(keyed([TYPE, note('a.txt')]));
    await refused(fixture, keyed([TYPE, note('longer.txt')]), 'conflict');
    const bob = { ...ALICE, userId: 'bob' };
    await fixture.intake.receiveForm(keyed([TYPE, note('longer.txt')], { principal: bob }));
  });

  it('of another file is a conflict, though it has the same name and length, chunked or not', async () => {
    await using fixture = await openIntakeFixture();
    for (const contentLength of [undefined, null]) {
      const changes = {
        idempotencyKey: `content-${contentLength}`,
        ...(contentLength === null && { contentLength }),
      };
      const send = (parts: readonly PartToSend[]) => keyed(parts, changes);
      const first = await fixture.intake.receiveForm(send([TYPE, note('a.txt', 'one'), note('b.txt')]));
      for (const parts of [
        [TYPE, note('a.txt', 'two'), note('b.txt')],
        [TYPE, note('c.txt', 'one'), note('b.txt')],
        [TYPE, note('b.txt'), note('a.txt', 'one')],
      ]) {
        await refused(fixture, send(parts), 'conflict');
      }
      // The same request, whatever the order of its parts.
      const again = await fixture.intake.receiveForm(send([note('a.txt', 'one'), TYPE, note('b.txt')]));
      assert.deepEqual([again.replayed, again.assets], [true, first.assets]);
    }
    const chunked = (parts: readonly PartToSend[]) => keyed(parts, { contentLength: null });
    const large = note('a.txt', 'a'.repeat(300_000));
    await fixture.intake.receiveForm(chunked([TYPE, large]));
    await refused(fixture, chunked([TYPE]), 'conflict');
    await refused(fixture, chunked([TYPE, large, note('b.txt')]), 'conflict');
    await refused(fixture, chunked([TYPE, note('a.txt', 'a'.repeat(400_000))]), 'conflict');
    await refused(fixture, chunked([large]), 'missing_field', { parameter: 'asset_type' });
    assert.equal((await fixture.intake.receiveForm(chunked([large, TYPE]))).replayed, true);
  });

  it('of other fields beside the same file is a conflict', async () => {
    await using fixture = await openIntakeFixture();
    const metadata = (value: string): PartToSend => ({ name: 'metadata', value });
    const send = (...parts: PartToSend[]) => keyed([...parts, note('a.txt')], { contentLength: null });
    await fixture.intake.receiveForm(send(TASK_TYPE, TASK, metadata('{"a":1,"b":2}')));
    await refused(fixture, send(TASK_TYPE, { ...TASK, value: 't2' }, metadata('{"a":1,"b":2}')), 'conflict');
    await refused(fixture, send(TASK_TYPE, TASK, metadata('{"a":1,"b":3}')), 'conflict');
    await refused(fixture, send(TYPE, TASK, metadata('{"a":1,"b":2}')), 'conflict');
    const again = await fixture.intake.receiveForm(send(TASK_TYPE, TASK, metadata('{"b":2,"a":1}')));
    assert.equal(again.replayed, true);
  });

  it('of a failed request can be used again', async () => {
    await using fixture = await openIntakeFixture();
    await refused(fixture, keyed([TYPE, note('a.png')]), 'invalid_file_type');
    const { replayed } = await fixture.intake.receiveForm(keyed([TYPE, note('a.txt')]));
    assert.equal(replayed, false);
  });

  it('is held while the bytes of its request are on their way, and free again when they break off', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    let nowMs = 1_700_000_000_000;
    const renewals: Promise<boolean>[] = [];
    await using fixture = await openIntakeFixture({
      clock: { now: () => nowMs },
      wrapCatalog: (catalog) => ({
        ...catalog,
        renewIdempotencyKey(...given) {
          const renewal = catalog.renewIdempotencyKey(...given);
          renewals.push(renewal);
          return renewal;
        },
      }),
    });
    const whole = formBody([TYPE, note('a.txt')]);
    const asked = Promise.withResolvers<void>();
    const body = new Readable({ read: () => asked.resolve() });
    const running = fixture.intake.receiveForm(keyed([], { body, contentLength: null }));
    await asked.promise;
    assert.equal(await fixture.claimedAtMs('k1'), nowMs);
    for (let times = 1; times <= 4; times += 1) {
      nowMs += 20_000;
      t.mock.timers.tick(20_000);
      assert.equal(renewals.length, times);
      assert.equal(await renewals.at(-1), true);
      assert.equal(await fixture.claimedAtMs('k1'), nowMs);
    }
    await assert.rejects(fixture.intake.receiveForm(keyed([], { contentLength: null })), (error) => {
      assert.ok(isStowageError(error, 'conflict'));
      return error.fields.retry_after_seconds === 1;
    });
    body.destroy();
    await assert.rejects(running, (error) => isStowageError(error, 'aborted'));
    assert.equal(await fixture.claimedAtMs('k1'), undefined);
    t.mock.timers.tick(60_000);
    assert.equal(renewals.length, 4);
    const again = keyed([], { body: inChunks(whole, 1000), contentLength: null });
    assert.equal((await fixture.intake.receiveForm(again)).replayed, false);
    t.mock.timers.tick(60_000);
    assert.equal(renewals.length, 4);
  });

  it('must be visible ASCII', async () => {
    await using fixture = await openIntakeFixture();
    for (const idempotencyKey of ['', 'é', 'a b', 'x'.repeat(256)]) {
      await refused(fixture, keyed([TYPE, note('a.txt')], { idempotencyKey }), 'invalid_parameter');
    }
  });
});

describe('a client that leaves', () => {
  it('leaves nothing, and no entry in the access log', async () => {
    await using fixture = await openIntakeFixture();
    for (const parts of [
      [TYPE, note('a.txt'), note('b.txt', 'b'.repeat(300_000))],
      [note('a.txt', 'b'.repeat(300_000)), TYPE],
    ]) {
      const whole = formBody(parts);
      const leaves = new AbortController();
      const body = new Readable({ read() {} });
      body.push(whole.subarray(0, 150_000));
      const receiving = fixture.intake.receiveForm(formRequest(whole, { body, signal: leaves.signal }));
      const kept = async () => [...(await fixture.keys()), ...(await fixture.spoolNames())];
      // One that ended already says why below.
      let isOpen = true;
      receiving.catch(() => {}).finally(() => (isOpen = false));
      while (isOpen && (await kept()).length === 0) await new Promise((resolve) => setImmediate(resolve));
      leaves.abort();
      await assert.rejects(receiving, (error) => isStowageError(error, 'aborted'));
      assert.deepEqual(await fixture.keys(), []);
      assert.deepEqual(await fixture.spoolNames(), []);
      assert.deepEqual(await fixture.entries(), []);
      assert.equal(fixture.logged.at(-1)?.fields.result, 'aborted');
      body.destroy();
    }
  });

  it('while the rows are written does not stop them', async () => {
    const leaves = new AbortController();
    await using fixture = await openIntakeFixture({
      wrapCatalog: beforeCommit(() => {
        leaves.abort();
      }),
    });
    const request = formRequest([TYPE, note('a.txt')], { signal: leaves.signal });
    assert.equal((await fixture.intake.receiveForm(request)).assets.length, 1);
    assert.equal((await fixture.assets()).length, 1);
    assert.equal((await fixture.keys()).length, 1);
  });
});

describe('the other doors', () => {
  it('pass the same gate, limit and transaction', async () => {
    await using fixture = await openIntakeFixture();
    const { principal, origin, idempotencyKey, signal } = formRequest([]);
    const text = Buffer.from('Hello.\n');
    const request = (filename: string, digest: string | null = null) => ({
      principal,
      origin,
      idempotencyKey,
      signal,
      body: inChunks(text, 3),
      claim: {
        filename,
        mediaType: null,
        sizeBytes: null,
        sha256: digest === null ? null : Buffer.from(digest, 'hex'),
      },
      assetType: 'task_note',
      fields: new Map([['task_id', 't1']]),
      metadata: { from: 'import' },
    });
    const { assets } = await fixture.intake.receiveFile(request('a.txt', sha256(text)));
    assert.deepEqual(assets[0]?.metadata, { from: 'import' });
    await assert.rejects(fixture.intake.receiveFile(request('a.png')), (e) =>
      isStowageError(e, 'invalid_file_type'),
    );
    await assert.rejects(fixture.intake.receiveFile(request('a.txt', sha256('x'))), (error) =>
      isStowageError(error, 'digest_mismatch'),
    );
    await assert.rejects(fixture.intake.receiveFile({ ...request('a.txt'), assetType: 'x' }), (error) =>
      isStowageError(error, 'unknown_asset_type'),
    );
    assert.equal((await fixture.keys()).length, 1);
  });
});

describe('every attempt', () => {
  it('leaves one line in the log: who, what, how large, with what result', async () => {
    await using fixture = await openIntakeFixture();
    const right = formRequest([TYPE, note('a.txt', 'abc')]);
    await fixture.intake.receiveForm(right);
    const wrong = { ...formRequest([TYPE, note('b.png')]), contentLength: 1234 };
    await refused(fixture, wrong, 'invalid_file_type');
    const lines = fixture.logged.map(({ level, fields }) => {
      const { user_id, result, files, code, filename, rule, announced_bytes } = fields;
      return { level, user_id, result, files, code, filename, rule: typeof rule, announced_bytes };
    });
    assert.deepEqual(lines, [
      {
        level: 'info',
        user_id: 'alice',
        result: 'stored',
        files: [{ filename: 'a.txt', size_bytes: 3 }],
        code: undefined,
        filename: undefined,
        rule: 'undefined',
        announced_bytes: right.contentLength,
      },
      {
        level: 'info',
        user_id: 'alice',
        result: 'refused',
        files: [],
        code: 'invalid_file_type',
        filename: 'b.png',
        rule: 'string',
        announced_bytes: 1234,
      },
    ]);
  });
});
