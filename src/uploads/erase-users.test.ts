import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Catalog } from '../catalog/catalog.ts';
import { makeAsset, makeUpload, NOON_MS } from '../catalog/fixtures.ts';
import { EVERYTHING } from '../catalog/laws/ground.ts';
import { openTestCatalog } from '../catalog/testing.ts';
import { streamOf } from '../core/bytes.ts';
import { isStowageError, StowageError } from '../core/errors.ts';
import { silentLog } from '../core/log.ts';
import type { Principal } from '../core/principal.ts';
import { openMemoryBackend } from '../storage/index.ts';
import { singleStore } from '../storage/stores.ts';
import { createRemoval, ERASURES_WAITING_MAX, type Removal } from './remove.ts';

const ADMIN: Principal = { userId: 'root', tenantId: 'acme', role: 'admin' };
const ORIGIN = { requestId: 'r2', ipAddress: '192.0.2.2', userAgent: 'curl' };
const CREATE = { mode: 'create', contentType: 'image/png', cacheControl: '', metadata: {} } as const;

/** A catalog and a store under one clock, and processes that work on them. */
async function openGround() {
  let nowMs = NOON_MS;
  const clock = { now: () => nowMs };
  const database = await openTestCatalog({ clock });
  const { catalog } = database;
  const bucket = openMemoryBackend({ clock });
  return {
    catalog,
    advance(durationMs: number): void {
      nowMs += durationMs;
    },
    /** Another process, whose catalog may fail in its own way. */
    startProcess: (changes: Partial<Catalog> = {}): Removal =>
      createRemoval({
        ...{ stores: singleStore(bucket), catalog: { ...catalog, ...changes }, clock, log: silentLog },
      }),
    async store(count: number, given: { userId?: string; tenantId?: string } = {}): Promise<void> {
      const assets = Array.from({ length: count }, () => makeAsset({ ...given, backend: 'memory' }));
      for (const { key } of assets) await bucket.put(key, streamOf(Buffer.from('x')), CREATE);
      await catalog.commitUpload(makeUpload(assets));
    },
    usage: async (userId: string, tenantId = 'acme') => (await catalog.usage(tenantId, userId)).files,
    objects: async () => (await bucket.list({ prefix: '', cursor: null, limit: 1000 })).entries.length,
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  };
}

describe('erasing a user', () => {
  test('takes all their assets and nobody else’s, with an entry for each in the name of who asked', async () => {
    await using ground = await openGround();
    await ground.store(120);
    await ground.store(2, { userId: 'bob' });
    await ground.store(2, { tenantId: 'globex' });
    const removal = ground.startProcess();
    await removal.eraseUser('ada', ADMIN, ORIGIN);
    await removal.eraseUser('ada', ADMIN, ORIGIN);
    await removal.eraseUser('nobody', ADMIN, ORIGIN);
    await removal.idle();
    assert.deepEqual(
      [await ground.usage('ada'), await ground.usage('bob'), await ground.usage('ada', 'globex')],
      [0, 2, 2],
    );
    assert.equal(await ground.objects(), 4);
    const { items } = await ground.catalog.listAccess({ ...EVERYTHING, action: 'delete' });
    assert.equal(items.length, 120);
    assert.deepEqual([items[0]?.userId, items[0]?.requestId, items[0]?.userAgent], ['root', 'r2', 'curl']);
  });

  test('that a crash interrupts is finished by the next process', async () => {
    await using ground = await openGround();
    await ground.store(120);
    // As after SIGKILL: nothing is answered any more, and nothing is given back.
    const dead = new Promise<never>(() => undefined);
    const reached = Promise.withResolvers<void>();
    let batches = 0;
    const crashing = ground.startProcess({
      listAssetsOfUser(...given) {
        batches += 1;
        if (batches < 2) return ground.catalog.listAssetsOfUser(...given);
        reached.resolve();
        return dead;
      },
    });
    await crashing.eraseUser('ada', ADMIN, ORIGIN);
    await reached.promise;
    assert.equal(await ground.usage('ada'), 70);

    const next = ground.startProcess();
    await next.resumeErasures();
    assert.equal(await ground.usage('ada'), 70, 'the first may still be at it');
    ground.advance(60_000);
    await next.resumeErasures();
    assert.equal(await ground.usage('ada'), 0);
    assert.equal(await ground.objects(), 0);
  });

  test('takes the bytes of what a crash had only marked', async () => {
    await using ground = await openGround();
    await ground.store(3);
    const crashing = ground.startProcess({ forgetAsset: () => new Promise<never>(() => undefined) });
    void crashing.eraseUser('ada', ADMIN, ORIGIN);
    while ((await ground.usage('ada')) > 0) await new Promise((resolve) => setImmediate(resolve));
    ground.advance(60_000);
    await ground.startProcess().resumeErasures();
    assert.equal(await ground.objects(), 0);
    const owner = { tenantId: 'acme', userId: 'ada' };
    assert.deepEqual(await ground.catalog.listTombstonesOfUser(owner, { afterId: null, limit: 9 }), []);
  });

  test('that is accepted and never begun is carried out by the next process', async () => {
    await using ground = await openGround();
    await ground.store(3);
    const stopped = ground.startProcess();
    await stopped.close();
    await stopped.eraseUser('ada', ADMIN, ORIGIN);
    await stopped.idle();
    assert.equal(await ground.usage('ada'), 3);
    await ground.startProcess().resumeErasures();
    assert.equal(await ground.usage('ada'), 0);
  });

  test('that is stopped in the middle is given back at once', async () => {
    await using ground = await openGround();
    await ground.store(120);
    const first = ground.startProcess({
      listAssetsOfUser(...given) {
        void first.close();
        return ground.catalog.listAssetsOfUser(...given);
      },
    });
    await first.eraseUser('ada', ADMIN, ORIGIN);
    await first.idle();
    assert.equal(await ground.usage('ada'), 70);
    await ground.startProcess().resumeErasures();
    assert.equal(await ground.usage('ada'), 0);
  });

  test('that fails does not hold up the next one, and is tried again by itself', async () => {
    await using ground = await openGround();
    await ground.store(2);
    await ground.store(2, { userId: 'bob' });
    let calls = 0;
    const removal = ground.startProcess({
      async tombstoneAsset(...given) {
        calls += 1;
        if (calls === 2) throw new StowageError('database_unavailable', 'The database is down.');
        return ground.catalog.tombstoneAsset(...given);
      },
    });
    await removal.eraseUser('ada', ADMIN, ORIGIN);
    await removal.idle();
    await removal.eraseUser('bob', ADMIN, ORIGIN);
    await removal.idle();
    assert.deepEqual([await ground.usage('ada'), await ground.usage('bob')], [1, 0]);
    ground.advance(60_000);
    await removal.resumeErasures();
    assert.equal(await ground.usage('ada'), 0);
  });

  test('is refused when too many wait', async () => {
    await using ground = await openGround();
    const removal = ground.startProcess({
      requestErasure: async (_, waitingMax) => waitingMax < ERASURES_WAITING_MAX,
    });
    await assert.rejects(removal.eraseUser('ada', ADMIN, ORIGIN), (error) =>
      isStowageError(error, 'conflict'),
    );
  });
});
