import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { makeAsset, makeEntry, makeUpload, NOON_MS } from '../catalog/fixtures.ts';
import { openJobs } from '../catalog/jobs.ts';
import { openTestCatalog, type TestCatalog } from '../catalog/testing.ts';
import { streamOf } from '../core/bytes.ts';
import { newTimeOrderedUuid, newUuid } from '../core/ids.ts';
import { parseObjectKey } from '../core/key.ts';
import { silentLog } from '../core/log.ts';
import { Bucket, openMemoryBackend } from '../storage/index.ts';
import { openableStores } from '../storage/stores.ts';
import { startBackgroundTasks } from './background.ts';
import { loadServiceConfig } from './load-service-config.ts';
import type { OpenStorage } from './open-storage.ts';

const DAY_MS = 86_400_000;

let dataDir: string;
before(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'stowage-background-'));
});
after(() => rmSync(dataDir, { recursive: true, force: true }));

async function cronOf(store: TestCatalog): Promise<readonly string[]> {
  const client = new Client(store.app);
  await client.connect();
  try {
    const { rows } = await client.query<{ name: string; cron: string }>(
      'select name, cron from pgboss.schedule order by name',
    );
    return rows.map(({ name, cron }) => `${name} ${cron}`);
  } catch {
    // The tables of the jobs are not made yet.
    return [];
  } finally {
    await client.end();
  }
}

function storageOf(bucket: Bucket): OpenStorage {
  const elsewhere = async () => Promise.reject(new Error('There is no other store.'));
  return {
    bucket,
    stores: openableStores(bucket, elsewhere),
    localFiles: { urls: openMemoryBackend().urls, open: elsewhere },
    isNew: false,
    backends: () => [bucket.name],
  };
}

/** The jobs look for work every five seconds; the runner's time limit ends this. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await delay(100);
}

test('a running service sweeps by night: unused assets of 90 days and dead bytes go, without anybody asking', async () => {
  let nowMs = NOON_MS;
  const clock = { now: () => nowMs };
  await using store = await openTestCatalog({ clock });
  const { catalog, app: connection, owner: ownerConnection } = store;
  const bucket = new Bucket(openMemoryBackend({ clock }));
  const put = async (assetType: string, folder: string) => {
    const key = parseObjectKey(`${folder}/${newUuid()}.png`);
    const write = { mode: 'create', contentType: 'image/png', cacheControl: '', metadata: {} } as const;
    await bucket.put(key, streamOf(Buffer.from('bytes')), write);
    const assetId = newTimeOrderedUuid(nowMs);
    return makeAsset({ assetId, assetType, key, backend: 'memory', sizeBytes: 5, createdAtMs: nowMs });
  };
  const isThere = async (asset: { readonly key: string }) =>
    bucket.head(asset.key, {}).then(
      () => true,
      () => false,
    );
  const unused = await put('brand_image', 'brand-images/ada');
  const read = await put('brand_image', 'brand-images/ada');
  const invoice = await put('invoice', 'invoices');
  await catalog.commitUpload(makeUpload([unused, read, invoice]));
  const orphan = await put('image', 'images/ada');
  nowMs += 91 * DAY_MS;
  await catalog.recordRead({ ...makeEntry({ atMs: nowMs - DAY_MS }), assetId: read.assetId });
  const young = await put('image', 'images/ada');

  const env = { DATA_DIR: dataDir, JWT_SECRET: 'x'.repeat(32), SIGNING_SECRET: 'y'.repeat(32) };
  const file = { values: new Map<string, string>(), assetTypes: undefined };
  const config = await loadServiceConfig({ env, cwd: dataDir, file });
  const tasks = startBackgroundTasks(config, {
    opened: {
      ...{ catalog, connection, ownerConnection, warnings: [], embedded: false },
      migrations: { applied: [], version: '', serverMajor: 18 },
      close: async () => undefined,
    },
    storage: storageOf(bucket),
    removal: { resumeErasures: async () => undefined },
    health: { noteStore: () => undefined },
    clock,
    log: silentLog,
  });
  const another = await openJobs({ connection, log: silentLog });
  try {
    const nightly = ['expire 41 * * * *', 'sweep 17 3 * * *'];
    await until(async () => (await cronOf(store)).join() === nightly.join());
    // As the clock does at night.
    await another.sendOnce('sweep');
    await until(async () => !(await isThere(unused)) && !(await isThere(orphan)));
  } finally {
    await another.close();
    await tasks.close();
  }
  assert.deepEqual(await Promise.all([read, invoice, young].map(isThere)), [true, true, true]);
  assert.equal(await catalog.findAsset('acme', unused.assetId), undefined);
  const query = { tenantId: 'acme', userId: null, assetId: unused.assetId, action: 'delete' } as const;
  const log = await catalog.listAccess({ ...query, fromMs: null, toMs: null, limit: 9, cursor: null });
  assert.deepEqual(
    log.items.map(({ outcome }) => outcome),
    ['ok'],
  );
  const { sealed, entries, broken } = await catalog.verifyAccessLog({});
  assert.deepEqual([sealed, broken], [entries, null], 'closing seals what is not sealed yet');
});
