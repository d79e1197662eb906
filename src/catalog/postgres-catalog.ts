import type { Clock } from '../core/clock.ts';
import { throwIfAborted } from '../core/errors.ts';
import { accessLog } from './access-log.ts';
import { assetReader } from './assets.ts';
import type { Catalog } from './catalog.ts';
import { readAllowance, uploadCommitter } from './commit-upload.ts';
import { type Database, runPrepared } from './database.ts';
import { directUploads, forgetEndedUploads, incomingKeysInUse } from './direct-uploads.ts';
import { translated } from './errors.ts';
import { claimKey, releaseKey, removeExpired, renewKey } from './idempotency.ts';
import { assetLinks } from './links.ts';
import { assetMoves } from './moves.ts';
import { cdnPurges } from './purges.ts';
import { sealEntries } from './seal.ts';
import { forgetAsset, tombstoneAsset } from './tombstone.ts';
import { exportEntries, verifyEntries } from './verify.ts';

/** The catalog over a migrated database. Closing it closes the database's pool. */
export function postgresCatalog(database: Database, clock: Clock): Catalog {
  const assets = assetReader(database);
  const log = accessLog(database);
  return {
    ...directUploads(database),
    ...assetMoves(database),
    ...cdnPurges(database),
    ...assetLinks(database),
    commitUpload: uploadCommitter(database, clock),
    uploadAllowance: (owner, limit, nowMs) => readAllowance(database, owner, limit, nowMs),

    findAsset: assets.find,
    findAssetByKey: assets.findByKey,
    listAssets: assets.list,
    usage: assets.usage,
    listTombstones: assets.tombstones,
    async keysInUse(keys) {
      const [stored, incoming] = await Promise.all([
        assets.keysInUse(keys),
        incomingKeysInUse(database, keys),
      ]);
      return new Set([...stored, ...incoming]);
    },
    walkAssets: assets.walk,
    listUnused: assets.unused,
    listAssetsOfUser: assets.ofUser,
    tombstoneAsset: (tenantId, assetId, entry, options) =>
      tombstoneAsset(database, { tenantId, assetId }, entry, options),
    forgetAsset: (assetId) => forgetAsset(database, assetId),

    recordAccess: log.record,
    recordRead: log.recordRead,
    listAccess: log.list,
    sealAccessLog: (signal) => sealEntries(database, clock, signal),
    verifyAccessLog: (options) => verifyEntries(database, options),
    exportAccessLog: (signal) => exportEntries(database, signal),

    claimIdempotencyKey: (claim) => claimKey(database, claim),
    renewIdempotencyKey: (claim, nowMs) => renewKey(database, claim, nowMs),
    releaseIdempotencyKey: (claim) => releaseKey(database, claim),
    async removeExpired(nowMs) {
      await removeExpired(database, nowMs);
      await forgetEndedUploads(database, nowMs);
    },

    catalogId: () => readCatalogId(database),
    ping: (signal) => ping(database, signal),
    close: database.close,
  };
}

async function readCatalogId({ queries }: Database): Promise<string> {
  const row = await translated(
    queries.selectFrom('catalog_identity').select('catalog_id').executeTakeFirstOrThrow(),
  );
  return row.catalog_id;
}

async function ping({ pool }: Database, signal?: AbortSignal): Promise<number> {
  throwIfAborted(signal);
  const startedMs = performance.now();
  let onAbort = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => {
      try {
        throwIfAborted(signal);
      } catch (error) {
        reject(error);
      }
    };
  });
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    await Promise.race([runPrepared(pool, { name: 'ping', text: 'select 1' }, []), aborted]);
    return performance.now() - startedMs;
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
}
