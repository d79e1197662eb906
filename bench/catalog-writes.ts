// Question: how many uploads can be recorded, and reads logged, each second, every one of them durable?
// Method: one embedded database as in service; 16 callers record uploads of one file (asset row, log entry, rate count) for
// one owner, then 64 callers log reads of an asset that must exist, then 16 find it. Calls are made in this process.
import { openCatalog } from '../src/catalog/open-catalog.ts';
import { newTimeOrderedUuid, newUuid } from '../src/core/ids.ts';
import { parseObjectKey } from '../src/core/key.ts';
import { silentLog } from '../src/core/log.ts';
import { type Answer, scratch } from './harness.ts';

type Catalog = Awaited<ReturnType<typeof openCatalog>>['catalog'];

export async function catalogWrites(rounds: number): Promise<Answer> {
  const directory = scratch();
  const dataDir = `${directory}/stowage`;
  const opened = await openCatalog({ url: null, dataDir, log: silentLog, clock: { now: () => Date.now() } });
  const commits: number[] = [];
  const reads: number[] = [];
  const finds: number[] = [];
  try {
    const { catalog } = opened;
    const known = await commit(catalog);
    for (let round = -1; round < rounds; round += 1) {
      const commitRate = await rate(8_000, 16, () => commit(catalog));
      const readRate = await rate(40_000, 64, () => catalog.recordRead(entryOf(known, 'download')));
      const findRate = await rate(20_000, 16, () => catalog.findAsset('default', known));
      if (round < 0) continue; // warms up
      commits.push(commitRate);
      reads.push(readRate);
      finds.push(findRate);
    }
  } finally {
    await opened.close();
  }
  return {
    question: 'Durable writes of the catalog',
    unit: 'per s',
    figures: {
      'uploads recorded, 16 callers': commits,
      'reads logged, 64 callers': reads,
      'assets found, 16 callers': finds,
    },
    targets: [
      { title: 'uploads recorded', values: commits, atLeast: 4_000 },
      { title: 'reads logged', values: reads, atLeast: 15_000 },
    ],
  };
}

async function rate(calls: number, callers: number, call: () => Promise<unknown>): Promise<number> {
  let left = calls;
  const started = performance.now();
  const work = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await call();
    }
  };
  await Promise.all(Array.from({ length: callers }, work));
  return calls / ((performance.now() - started) / 1000);
}

async function commit(catalog: Catalog): Promise<string> {
  const assetId = newTimeOrderedUuid(Date.now());
  const owner = { tenantId: 'default', userId: 'bench' };
  await catalog.commitUpload({
    owner,
    assets: [
      {
        ...owner,
        assetId,
        assetType: 'image',
        key: parseObjectKey(`images/bench/${newUuid()}_photo.jpg`),
        backend: 'local',
        filename: 'photo.jpg',
        sizeBytes: 10_240,
        mediaType: 'image/jpeg',
        contentHash: 'ab'.repeat(32),
        metadata: {},
        createdAtMs: Date.now(),
      },
    ],
    entries: [entryOf(assetId, 'upload')],
    limit: { filesMax: 1_000_000_000, windowSeconds: 3600 },
    idempotency: null,
  });
  return assetId;
}

function entryOf(assetId: string, action: 'upload' | 'download') {
  return {
    action,
    outcome: 'ok',
    reason: null,
    tenantId: 'default',
    userId: 'bench',
    assetId,
    assetType: 'image',
    key: 'images/bench/photo.jpg',
    ipAddress: '127.0.0.1',
    userAgent: 'bench',
    storageBackend: 'local',
    requestId: 'bench',
    atMs: Date.now(),
  } as const;
}
