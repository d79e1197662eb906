import type { Clock } from '../core/clock.ts';
import { throwIfAborted } from '../core/errors.ts';
import { accessLog } from './access-log.ts';
import { assetReader } from './assets.ts';
import type { Catalog } from './catalog.ts';
import { readAllowance, uploadCommitter } from './commit-upload.ts';
import { type Database, runPrepared } from './database.ts';
import { directUploads, forgetEndedUploads, incomingKeysInUse } from './direct-uploads.ts';
import { userErasures } from './erasures.ts';
import { translated } from './errors.ts';
import { claimKey, releaseKey, removeExpired, renewKey } from './idempotency.ts';
import { assetLinks } from './links.ts';
import { assetMoves } from './moves.ts';
import { cdnPurges } from './purges.ts';
import { entrySealer } from './seal.ts';
import { storedUsage } from './stored-usage.ts';
import { forgetAsset, tombstoneAsset } from './tombstone.ts';
import { exportEntries, verifyEntries } from './verify.ts';

/** The catalog over a migrated database. Closing it closes the database's pool. */
export function postgresCatalog(database: Database, clock: Clock): Catalog {
  const assets = assetReader(database);
  const log = accessLog(database);
  const { pulse } = database;
  const uploads = directUploads(database);
  const links = assetLinks(database);
  const commitUpload = uploadCommitter(database, clock);
  return {
    ...uploads,
    ...assetMoves(database),
    ...cdnPurges(database),
    ...userErasures(database),
    ...links,

    // What requests begin with. A frozen database fails them soon, and the writes after them are never sent.
    uploadAllowance: (owner, limit, nowMs) => pulse.read(() => readAllowance(database, owner, limit, nowMs)),
    findUpload: (tenantId, uploadId) => pulse.read(() => uploads.findUpload(tenantId, uploadId)),
    isUploadOpen: (key, nowMs) => pulse.read(() => uploads.isUploadOpen(key, nowMs)),
    listLinked: (record, role, client) =>
      client === undefined
        ? pulse.read(() => links.listLinked(record, role))
        : links.listLinked(record, role, client),
    listLinks: (tenantId, assetId) => pulse.read(() => links.listLinks(tenantId, assetId)),
    findAsset: (tenantId, assetId) => pulse.read(() => assets.find(tenantId, assetId)),
    findAssetByKey: (key) => pulse.read(() => assets.findByKey(key)),
    listAssets: (query) => pulse.read(() => assets.list(query)),
    usage: (tenantId, userId) => pulse.read(() => assets.usage(tenantId, userId)),
    storedUsage: () => storedUsage(database),
    listAccess: (query) => pulse.read(() => log.list(query)),
    // An entry may be written although its request was told otherwise: the log says too much rather than too little.
    recordAccess: (entry) => pulse.read(() => log.record(entry)),
    recordRead: (entry) => pulse.read(() => log.recordRead(entry)),

    async commitUpload(...given) {
      pulse.requireLife();
      return await commitUpload(...given);
    },
    async claimIdempotencyKey(claim) {
      pulse.requireLife();
      return await claimKey(database, claim);
    },
    async reserveUpload(...given) {
      pulse.requireLife();
      return await uploads.reserveUpload(...given);
    },

    listTombstones: assets.tombstones,
    listTombstonesOfUser: assets.tombstonesOf,
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
    async tombstoneAsset(tenantId, assetId, entry, options) {
      pulse.requireLife();
      return await tombstoneAsset(database, { tenantId, assetId }, entry, options);
    },
    forgetAsset: (assetId) => forgetAsset(database, assetId),

    sealAccessLog: entrySealer(database, clock),
    verifyAccessLog: (options) => verifyEntries(database, options),
    exportAccessLog: (signal) => exportEntries(database, signal),

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
