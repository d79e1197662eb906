import type { Asset } from '../catalog/catalog.ts';
import type { AssetTypes } from '../core/asset-type.ts';
import type { Clock } from '../core/clock.ts';
import type { ObjectKey } from '../core/key.ts';
import type { Principal } from '../core/principal.ts';
import type { StorageBackend } from '../storage/backend.ts';
import { contentDisposition } from './disposition.ts';

/** A URL that reads one asset without a token. */
export interface AssetUrl {
  readonly url: string;
  /** Milliseconds since the epoch; null: permanent. */
  readonly expiresAtMs: number | null;
}

/** Makes URLs for assets. */
export interface AssetUrls {
  /** The URL an asset's record carries: permanent for public asset types, else signed for the usual time. */
  forRecord(asset: Asset, reader: Principal): Promise<AssetUrl>;
  /** A signed URL of a chosen life, cut to what the store can sign. */
  signed(
    asset: Asset,
    reader: Principal,
    lifetimeSeconds: number,
  ): Promise<AssetUrl & { expiresAtMs: number }>;
}

export interface AssetUrlOptions {
  readonly bucket: Pick<StorageBackend, 'signRead' | 'capabilities'>;
  readonly assetTypes: AssetTypes;
  /** Life of the URLs in records, in seconds. */
  readonly recordUrlSeconds: number;
  /** What clients reach this service by, without a trailing slash; asked each time, known when it listens. */
  readonly publicUrl: () => string;
  readonly clock: Clock;
}

/** Signed URLs show what browsers can show safely: an application links them from `<img>` and `<video>`. */
export function createAssetUrls(options: AssetUrlOptions): AssetUrls {
  const signed = async (asset: Asset, reader: Principal, lifetimeSeconds: number) =>
    await options.bucket.signRead(asset.key, {
      nowMs: options.clock.now(),
      lifetimeSeconds: Math.min(lifetimeSeconds, options.bucket.capabilities.signedUrlSecondsMax),
      contentDisposition: contentDisposition(asset.filename, asset.mediaType, 'inline'),
      contentType: asset.mediaType,
      grant: { assetId: asset.assetId, userId: reader.userId, tenantId: asset.tenantId },
    });
  return {
    signed,
    forRecord: async (asset, reader) =>
      options.assetTypes.get(asset.assetType)?.visibility === 'public'
        ? { url: publicAssetUrl(options.publicUrl(), asset.key), expiresAtMs: null }
        : await signed(asset, reader, options.recordUrlSeconds),
  };
}

/** The permanent URL of an asset of a public type. */
export function publicAssetUrl(publicUrl: string, key: ObjectKey): string {
  return `${publicUrl}/public/${key.split('/').map(encodeURIComponent).join('/')}`;
}
