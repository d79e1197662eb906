import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { collectBytes, KIB, MIB } from '../core/bytes.ts';
import { isStowageError } from '../core/errors.ts';
import { inChunks } from './intake-fixture.ts';
import { openSpool, type Spool, type SpoolOptions } from './spool.ts';

async function withSpool(
  bytesMax: number,
  use: (spool: Spool, dir: string) => Promise<void>,
  more: Partial<SpoolOptions> = {},
): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), 'stowage-spool-'));
  const spool = await openSpool({ dir: root, bytesMax, ...more });
  try {
    const [own = ''] = await readdir(root);
    await use(spool, join(root, own));
  } finally {
    await spool.close();
    await rm(root, { recursive: true, force: true });
  }
}

function counted(sizeBytes: number): Buffer {
  return Buffer.from(Uint32Array.from({ length: sizeBytes / 4 }, (_, index) => index).buffer);
}

describe('the spool', () => {
  it('holds a small file in few pieces, however it was cut', async () => {
    await withSpool(8 * MIB, async (spool, dir) => {
      const file = await spool.keep(inChunks(counted(64 * KIB), 1), MIB);
      assert.deepEqual(await readdir(dir), []);
      let pieces = 0;
      for await (const _ of file.read()) pieces += 1;
      assert.ok(pieces <= 5, `${pieces} pieces`);
      await file.remove();
    });
  });

  it('keeps little of each file in memory when many wait', async () => {
    await withSpool(64 * MIB, async (spool, dir) => {
      const small = await Promise.all(
        Array.from({ length: 257 }, () => spool.keep(inChunks(counted(64 * KIB), 64 * KIB), MIB)),
      );
      const { promise: told, resolve: tell } = Promise.withResolvers<void>();
      async function* slow(): AsyncGenerator<Uint8Array> {
        yield counted(20 * KIB);
        await told;
        yield counted(4);
      }
      const before = await readdir(dir);
      const kept = spool.keep(slow(), MIB);
      const sizes = async (): Promise<number[]> => {
        const names = (await readdir(dir)).filter((name) => !before.includes(name));
        return Promise.all(names.map(async (name) => (await stat(join(dir, name))).size));
      };
      while ((await sizes())[0] !== 20 * KIB) await new Promise((resolve) => setTimeout(resolve, 5));
      tell();
      const file = await kept;
      assert.equal(file.sizeBytes, 20 * KIB + 4);
      await Promise.all([...small, file].map((each) => each.remove()));
      assert.equal(spool.usedBytes(), 0);
    });
  });

  it('gives back what it was given, as often as asked, until it is removed', async () => {
    await withSpool(8 * MIB, async (spool, dir) => {
      for (const [sizeBytes, chunkBytes, files] of [
        [0, 1, 0],
        [64 * KIB, 1000, 0],
        [64 * KIB + 4, 1000, 1],
        [MIB + 4, 7, 1],
        [2 * MIB, 300_000, 1],
      ] as const) {
        const bytes = counted(sizeBytes);
        const file = await spool.keep(inChunks(bytes, chunkBytes), MIB * 8);
        assert.equal(file.sizeBytes, sizeBytes);
        assert.equal((await readdir(dir)).length, files, `${sizeBytes} bytes`);
        for (let time = 0; time < 2; time += 1) {
          assert.ok(bytes.equals(await collectBytes(file.read(), 8 * MIB)), `${sizeBytes} bytes`);
        }
        assert.equal(spool.usedBytes(), sizeBytes);
        await file.remove();
        await file.remove();
        assert.equal(spool.usedBytes(), 0);
        assert.deepEqual(await readdir(dir), []);
      }
    });
  });

  it('keeps its files from other users of the machine', async () => {
    await withSpool(MIB, async (spool, dir) => {
      await spool.keep(inChunks(counted(100 * KIB), 1000), MIB);
      const [name = ''] = await readdir(dir);
      assert.equal((await stat(join(dir, name))).mode & 0o777, 0o600);
    });
  });

  it('is unavailable when it is full, and keeps nothing of what did not fit', async () => {
    await withSpool(300 * KIB, async (spool, dir) => {
      const first = await spool.keep(inChunks(counted(200 * KIB), 1000), MIB);
      await assert.rejects(spool.keep(inChunks(counted(200 * KIB), 1000), MIB), (error) => {
        assert.ok(isStowageError(error, 'storage_unavailable'));
        assert.ok((error.fields.retry_after_seconds ?? 0) > 0);
        return true;
      });
      assert.equal(spool.usedBytes(), 200 * KIB);
      assert.equal((await readdir(dir)).length, 1);
      await first.remove();
      await spool.keep(inChunks(counted(200 * KIB), 1000), MIB);
    });
  });

  it('is unavailable before its disk is full, and keeps nothing of what would fill it', async () => {
    await withSpool(
      8 * MIB,
      async (spool, dir) => {
        await assert.rejects(spool.keep(inChunks(counted(MIB), 1000), MIB), (error) => {
          assert.ok(isStowageError(error, 'storage_unavailable'));
          assert.ok((error.fields.retry_after_seconds ?? 0) > 0);
          return true;
        });
        assert.deepEqual([spool.usedBytes(), await readdir(dir)], [0, []]);
        // What waits in memory needs no disk.
        const small = await spool.keep(inChunks(counted(10 * KIB), 1000), MIB);
        assert.equal(small.sizeBytes, 10 * KIB);
      },
      { freeBytesMin: Number.MAX_SAFE_INTEGER },
    );
  });

  it('refuses a file over its limit at the first byte too many', async () => {
    await withSpool(8 * MIB, async (spool, dir) => {
      let madeBytes = 0;
      async function* endless() {
        for (;;) {
          madeBytes += 1000;
          yield Buffer.alloc(1000);
        }
      }
      await assert.rejects(spool.keep(endless(), 100_000), (error) => {
        return isStowageError(error, 'file_too_large') && error.fields.limit_bytes === 100_000;
      });
      assert.equal(madeBytes, 101_000);
      assert.deepEqual([spool.usedBytes(), await readdir(dir)], [0, []]);
    });
  });

  it('keeps nothing of a body that breaks', async () => {
    await withSpool(MIB, async (spool, dir) => {
      for (const sizeBytes of [10 * KIB, 200 * KIB]) {
        async function* breaking() {
          yield* inChunks(counted(sizeBytes), 1000);
          throw new Error('broken');
        }
        await assert.rejects(spool.keep(breaking(), MIB), /broken/);
        assert.deepEqual([spool.usedBytes(), await readdir(dir)], [0, []]);
      }
    });
  });

  it('is removed at the next start when its process is gone, and nothing else is', async () => {
    await withSpool(MIB, async (spool, dir) => {
      const root = dirname(dir);
      const kept = await spool.keep(inChunks(counted(100 * KIB), 1000), MIB);
      const own = basename(dir);
      // The same process id with another start, here and on another host.
      const gone = own.replace(/^(\d+)-\d+-/, '$1-1-');
      const elsewhere = `${gone.slice(0, -8)}00000000`;
      for (const name of [gone, elsewhere, 'letters']) {
        await mkdir(join(root, name));
        await writeFile(join(root, name, 'a.spool'), 'left');
      }
      const second = await openSpool({ dir: root, bytesMax: MIB });
      const names = await readdir(root);
      assert.equal(names.length, 4);
      for (const name of [own, elsewhere, 'letters']) assert.ok(names.includes(name), name);
      assert.equal((await collectBytes(kept.read(), MIB)).length, 100 * KIB);
      await second.close();
      assert.deepEqual((await readdir(root)).sort(), [own, elsewhere, 'letters'].sort());
    });
  });
});
