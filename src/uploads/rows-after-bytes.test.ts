import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { describe, it } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { collectBytes, MIB, streamOf } from '../core/bytes.ts';
import { isStowageError, StowageError } from '../core/errors.ts';
import type { ObjectKey } from '../core/key.ts';
import type { ObjectInfo } from '../storage/backend.ts';
import {
  type FixtureOptions,
  formRequest,
  type IntakeFixture,
  note,
  openIntakeFixture,
  TYPE,
} from './intake-fixture.ts';
import type { UploadBucket } from './upload.ts';

const THEIRS = Buffer.from('theirs');

/** A put that has said its file is whole: ends it. */
type EndOfPut = (put: {
  readonly key: ObjectKey;
  readonly count: number;
  readonly store: Store;
}) => Promise<ObjectInfo>;
/** Stores what was given to the put, or other bytes under its key. */
type Store = (theirs?: 'theirs') => Promise<ObjectInfo>;

/** An intake on a store that says of every file that it is whole, and ends its put as told. */
function openWith(
  end: EndOfPut,
  options: Partial<Pick<FixtureOptions, 'uploadLimit'>> = {},
): Promise<IntakeFixture> {
  let count = 0;
  return openIntakeFixture({
    ...options,
    wrapBucket: (bucket): UploadBucket => ({
      deleteMany: (keys, options) => bucket.deleteMany(keys, options),
      put: async (key, body, { onWhole, ...options }) => {
        const bytes = await collectBytes(body, MIB);
        const metadata = typeof options.metadata === 'function' ? options.metadata() : options.metadata;
        onWhole?.();
        count += 1;
        const store: Store = (theirs) =>
          bucket.put(key, streamOf(theirs ? THEIRS : bytes), {
            mode: options.mode,
            contentType: options.contentType,
            cacheControl: options.cacheControl,
            metadata,
          });
        return end({ key, count, store });
      },
    }),
  });
}

/** What is in the store and in the catalog: keys, keys of assets, outcomes in the log. */
async function kept(fixture: IntakeFixture): Promise<readonly string[][]> {
  const assets = await fixture.assets();
  const entries = await fixture.entries();
  return [await fixture.keys(), assets.map(({ key }) => key), entries.map(({ outcome }) => outcome)];
}

describe('rows of bytes that are not durable yet', () => {
  it('are there when the bytes are, and not before', async () => {
    const disk = Promise.withResolvers<void>();
    await using fixture = await openWith(async ({ store }) => {
      await disk.promise;
      return store();
    });
    let isAnswered = false;
    const upload = fixture.intake.receiveForm(formRequest([TYPE, note('a.txt')])).then((receipt) => {
      isAnswered = true;
      return receipt;
    });
    await wait(50);
    assert.deepEqual(await kept(fixture), [[], [], []]);
    assert.equal(isAnswered, false);
    disk.resolve();
    const { assets } = await upload;
    const keys = assets.map(({ key }) => key);
    assert.deepEqual(await kept(fixture), [keys, keys, ['ok']]);
  });

  it('hold up no other upload of their owner', async () => {
    const disk = Promise.withResolvers<void>();
    await using fixture = await openWith(async ({ count, store }) => {
      if (count === 1) await disk.promise;
      return store();
    });
    const slow = fixture.intake.receiveForm(formRequest([TYPE, note('a.txt'), note('b.txt')]));
    while ((await fixture.keys()).length === 0) await wait(5);
    const quick = await Promise.all(
      ['c', 'd', 'e'].map((name) => fixture.intake.receiveForm(formRequest([TYPE, note(`${name}.txt`)]))),
    );
    const ofQuick = quick.flatMap(({ assets }) => assets.map(({ key }) => key));
    assert.deepEqual((await kept(fixture))[1]?.toSorted(), ofQuick.toSorted());
    disk.resolve();
    const { assets, allowance } = await slow;
    const all = [...ofQuick, ...assets.map(({ key }) => key)];
    assert.deepEqual((await kept(fixture))[1]?.toSorted(), all.toSorted());
    assert.equal(allowance.remaining, 95);
  });

  it('are never committed when the bytes fail', async () => {
    for (const failing of [1, 2]) {
      await using fixture = await openWith(async ({ count, store }) => {
        await wait(20);
        if (count === failing) throw new StowageError('storage_unavailable', 'The disk is gone.');
        return store();
      });
      const upload = fixture.intake.receiveForm(formRequest([TYPE, note('a.txt'), note('b.txt')]));
      await assert.rejects(upload, (error) => {
        assert.ok(isStowageError(error, 'storage_unavailable'), String(error));
        assert.equal(error.fields.filename, failing === 1 ? 'a.txt' : 'b.txt');
        return true;
      });
      assert.deepEqual(await kept(fixture), [[], [], []]);
    }
  });

  it('of many at once are committed without those whose bytes fail', async () => {
    await using fixture = await openWith(async ({ count, store }) => {
      await wait(20);
      if (count % 3 === 0) throw new StowageError('storage_unavailable', 'The disk is gone.');
      return store();
    });
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'];
    const uploads = await Promise.allSettled(
      names.map((name) => fixture.intake.receiveForm(formRequest([TYPE, note(`${name}.txt`)]))),
    );
    const stored = uploads.filter(({ status }) => status === 'fulfilled');
    assert.equal(stored.length, 6);
    const [keys, rows, outcomes] = await kept(fixture);
    assert.deepEqual(rows?.toSorted(), keys?.toSorted());
    assert.deepEqual([rows?.length, outcomes], [6, Array.from({ length: 6 }, () => 'ok')]);
  });

  it('are those of as many files as the limit allows, and the others leave nothing', async () => {
    const options = { uploadLimit: { filesMax: 5, windowSeconds: 3600 } };
    await using fixture = await openWith(async ({ store }) => {
      await wait(20);
      return store();
    }, options);
    const uploads = await Promise.allSettled(
      Array.from({ length: 12 }, () => fixture.intake.receiveForm(formRequest([TYPE, note('a.txt')]))),
    );
    const failures = uploads.filter((result) => result.status === 'rejected');
    assert.equal(failures.length, 7);
    for (const { reason } of failures) assert.ok(isStowageError(reason, 'rate_limited'), String(reason));
    const [keys, rows] = await kept(fixture);
    assert.equal(keys?.length, 5);
    assert.deepEqual(rows?.toSorted(), keys?.toSorted());
  });

  it('name the key under which the bytes are: another, when somebody took the first', async () => {
    const puts: string[] = [];
    await using fixture = await openWith(async ({ key, store }) => {
      puts.push(key);
      await wait(20);
      if (puts.length === 1) await store('theirs');
      return store();
    });
    const { assets } = await fixture.intake.receiveForm(formRequest([TYPE, note('a.txt')]));
    assert.equal(puts.length, 2);
    assert.deepEqual(
      assets.map(({ key }) => key),
      [puts[1]],
    );
    assert.deepEqual(await kept(fixture), [puts.toSorted(), [puts[1]], ['ok']]);
    const { body } = await fixture.backend.get(puts[0] as ObjectKey, {});
    assert.equal((await collectBytes(body, MIB)).toString(), 'theirs');
  });

  it('are not there when all keys are taken, and what has them stays', async () => {
    const puts: string[] = [];
    await using fixture = await openWith(async ({ key, store }) => {
      puts.push(key);
      await store('theirs');
      return store();
    });
    const upload = fixture.intake.receiveForm(formRequest([TYPE, note('a.txt')]));
    await assert.rejects(upload, (error) => isStowageError(error, 'conflict'));
    assert.deepEqual(await kept(fixture), [puts.toSorted(), [], ['refused']]);
    assert.equal(puts.length, 3);
  });
});

describe('a file that fails when another has come whole', () => {
  it('fails with its own error, though digests were announced', async () => {
    const second = Promise.withResolvers<void>();
    await using fixture = await openWith(async ({ count, store }) => {
      if (count === 1) {
        await second.promise;
        throw new StowageError('storage_unavailable', 'The disk is gone.');
      }
      second.resolve();
      await wait(20);
      return store();
    });
    const files = [note('a.txt'), note('b.txt')];
    const digests = files.map(({ value }) => ({ name: 'sha256', value: hash('sha256', value) }));
    const upload = fixture.intake.receiveForm(formRequest([TYPE, ...digests, ...files]));
    await assert.rejects(upload, (error) => {
      assert.ok(isStowageError(error, 'storage_unavailable'), String(error));
      assert.equal(error.fields.filename, 'a.txt');
      return true;
    });
    assert.deepEqual(await kept(fixture), [[], [], []]);
  });
});

describe('bytes that become durable', () => {
  it('after their form was refused are removed', async () => {
    await using fixture = await openWith(async ({ store }) => {
      await wait(50);
      return store();
    });
    const reprDigest = `sha-256=:${Buffer.alloc(32).toString('base64')}:`;
    const upload = fixture.intake.receiveForm(formRequest([TYPE, note('a.txt')], { reprDigest }));
    await assert.rejects(upload, (error) => isStowageError(error, 'digest_mismatch'));
    assert.deepEqual(await kept(fixture), [[], [], ['refused']]);
  });

  it('after their client has left keep their rows', async () => {
    const leaves = new AbortController();
    await using fixture = await openWith(async ({ store }) => {
      await wait(20);
      leaves.abort();
      return store();
    });
    const request = formRequest([TYPE, note('a.txt')], { signal: leaves.signal });
    const { assets } = await fixture.intake.receiveForm(request);
    assert.deepEqual(await kept(fixture), [[assets[0]?.key], [assets[0]?.key], ['ok']]);
  });

  it('are waited for by an Idempotency-Key too', async () => {
    let puts = 0;
    await using fixture = await openWith(async ({ store }) => {
      puts += 1;
      await wait(20);
      if (puts === 1) throw new StowageError('storage_unavailable', 'The disk is gone.');
      return store();
    });
    const send = () =>
      fixture.intake.receiveForm(formRequest([TYPE, note('a.txt')], { idempotencyKey: 'once' }));
    await assert.rejects(send(), (error) => isStowageError(error, 'storage_unavailable'));
    assert.deepEqual(await kept(fixture), [[], [], []]);
    const first = await send();
    const again = await send();
    assert.deepEqual([first.replayed, again.replayed, puts], [false, true, 2]);
    assert.deepEqual(again.assets, first.assets);
  });

  it('are counted together: files of one form wait at the same time', async () => {
    const ends: Promise<ObjectInfo>[] = [];
    const together = Promise.withResolvers<void>();
    await using fixture = await openWith(({ count, store }) => {
      if (count === 3) together.resolve();
      const end = together.promise.then(() => store());
      ends.push(end);
      return end;
    });
    const files = [note('a.txt'), note('b.txt'), note('c.txt')];
    const { assets } = await fixture.intake.receiveForm(formRequest([TYPE, ...files]));
    assert.deepEqual(
      assets.map(({ filename }) => filename),
      ['a.txt', 'b.txt', 'c.txt'],
    );
    assert.equal(ends.length, 3);
  });
});
