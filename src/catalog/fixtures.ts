import { randomUUID } from 'node:crypto';
import { newTimeOrderedUuid } from '../core/ids.ts';
import { parseObjectKey } from '../core/key.ts';
import type { AccessEntry, Asset, UploadCommit } from './catalog.ts';

/** A fixed moment for tests: 2026-01-02T03:04:05.678Z. */
export const NOON_MS = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

/** An asset for a test, of user `ada` in tenant `acme` unless told otherwise. */
export function makeAsset(given: Partial<Asset> = {}): Asset {
  const assetId = given.assetId ?? newTimeOrderedUuid(NOON_MS);
  return {
    assetId,
    tenantId: 'acme',
    userId: 'ada',
    assetType: 'image',
    key: parseObjectKey(`images/${randomUUID()}.png`),
    backend: 'local',
    filename: 'Überraschung 図.png',
    sizeBytes: 12_345,
    mediaType: 'image/png',
    contentHash: 'ab'.repeat(32),
    metadata: { project: 'x', nested: { deep: [1, null, 'ü'] } },
    createdAtMs: NOON_MS,
    state: 'stored',
    ...given,
  };
}

/** An access-log entry for a test. */
export function makeEntry(given: Partial<AccessEntry> = {}): AccessEntry {
  return {
    action: 'download',
    outcome: 'ok',
    reason: null,
    tenantId: 'acme',
    userId: 'ada',
    assetId: null,
    assetType: 'image',
    key: 'images/a.png',
    ipAddress: '2001:db8::1',
    userAgent: 'curl/8',
    storageBackend: 'local',
    requestId: 'req-1',
    atMs: NOON_MS,
    ...given,
  };
}

/** A commit of these assets, each with its entry, for the owner of the first. */
export function makeUpload(assets: readonly Asset[], given: Partial<UploadCommit> = {}): UploadCommit {
  const owner = { tenantId: assets[0]?.tenantId ?? 'acme', userId: assets[0]?.userId ?? 'ada' };
  return {
    owner,
    assets,
    entries: assets.map((asset) =>
      makeEntry({
        action: 'upload',
        tenantId: asset.tenantId,
        userId: asset.userId,
        assetId: asset.assetId,
        assetType: asset.assetType,
        key: asset.key,
        atMs: asset.createdAtMs,
      }),
    ),
    limit: { filesMax: 1_000_000, windowSeconds: 3600 },
    idempotency: null,
    ...given,
  };
}
