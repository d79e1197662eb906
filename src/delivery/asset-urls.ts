import type { Asset } from '../catalog/catalog.ts';
import type { AssetTypes } from '../core/asset-type.ts';
import type { Clock } from '../core/clock.ts';
import type { ObjectKey } from '../core/key.ts';
import type { Principal } from '../core/principal.ts';
import type { StorageBackend } from '../storage/backend.ts';
import type { Stores } from '../storage/stores.ts';
import { contentDisposition } from './disposition.ts';

/** A URL that reads one asset without a token. */
export interface AssetUrl {
  readonly url: string;
  /** Milliseconds since the epoch; null: permanent. */
  readonly expiresAtMs: number | null;
}

/** The URLs that an asset's record carries. */
export interface RecordUrl extends AssetUrl {
  /** Where the bytes are, for those who have rights there: `s3://bucket/key`. */
  readonly storageUrl: string;
}

/** Makes URLs for assets. */
export interface AssetUrls {
  /** The URLs an asset's record carries: permanent for public asset types, else signed for the usual time. */
  forRecord(asset: Asset, reader: Principal): Promise<RecordUrl>;
  /** A signed URL of a chosen life, cut to what the store can sign. */
  signed(
    asset: Asset,
    reader: Principal,
    lifetimeSeconds: number,
  ): Promise<AssetUrl & { expiresAtMs: number }>;
}

export interface AssetUrlOptions {
  readonly stores: Pick<Stores<Pick<StorageBackend, 'signRead' | 'capabilities' | 'storageUrlBase'>>, 'of'>;
  readonly assetTypes: AssetTypes;
  /** Life of the URLs in records, in seconds. */
  readonly recordUrlSeconds: number;
  /** What clients reach this service by, without a trailing slash; asked each time, known when it listens. */
  readonly publicUrl: () => string;
  readonly clock: Clock;
}

/** Signed URLs show what browsers can show safely: an application links them from `<img>` and `<video>`. */
export function createAssetUrls(options: AssetUrlOptions): AssetUrls {
  const signed = async (asset: Asset, reader: Principal, lifetimeSeconds: number) => {
    const store = await options.stores.of(asset.backend);
    return await store.signRead(asset.key, {
      nowMs: options.clock.now(),
      lifetimeSeconds: Math.min(lifetimeSeconds, store.capabilities.signedUrlSecondsMax),
      contentDisposition: contentDisposition(asset.filename, asset.mediaType, 'inline'),
      contentType: asset.mediaType,
      grant: { assetId: asset.assetId, userId: reader.userId, tenantId: asset.tenantId },
    });
  };
  return {
    signed,
    async forRecord(asset, reader) {
      const { storageUrlBase } = await options.stores.of(asset.backend);
      const url =
        options.assetTypes.get(asset.assetType)?.visibility === 'public'
          ? { url: publicAssetUrl(options.publicUrl(), asset.key), expiresAtMs: null }
          : await signed(asset, reader, options.recordUrlSeconds);
      return { ...url, storageUrl: `${storageUrlBase}${asset.key}` };
    },
  };
}

/** The permanent URL of an asset of a public type. */
export function publicAssetUrl(publicUrl: string, key: ObjectKey): string {
  return `${publicUrl}/public/${key.split('/').map(encodeURIComponent).join('/')}`;
}
