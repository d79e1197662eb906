import type { Asset } from '../catalog/catalog.ts';
import type { AssetTypes } from '../core/asset-type.ts';
import type { Clock } from '../core/clock.ts';
import { StowageError } from '../core/errors.ts';
import type { ObjectKey } from '../core/key.ts';
import type { Principal } from '../core/principal.ts';
import type { StorageBackend } from '../storage/backend.ts';
import type { Stores } from '../storage/stores.ts';
import type { Cdn } from './cdn/cdn.ts';
import { publicPath } from './cdn/paths.ts';
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
    conditions?: UrlConditions,
  ): Promise<AssetUrl & { expiresAtMs: number }>;
}

/** What a URL says besides who may read what until when: the first two can be asked of a CDN alone. */
export interface UrlConditions {
  /** Not before, milliseconds since the epoch. */
  readonly startsAtMs?: number;
  /** IPv4 address or CIDR range of the reader. */
  readonly ipRange?: string;
  /**
   * Whether a browser shows or saves the file; it shows only what is safe. Default: `inline`. A URL for saving leads to the
   * store, past a CDN.
   */
  readonly disposition?: 'inline' | 'attachment';
}

export interface AssetUrlOptions {
  readonly stores: Pick<
    Stores<Pick<StorageBackend, 'name' | 'signRead' | 'capabilities' | 'storageUrlBase'>>,
    'main' | 'of'
  >;
  readonly assetTypes: AssetTypes;
  /** Life of the URLs in records, in seconds. */
  readonly recordUrlSeconds: number;
  /** What clients reach this service by, without a trailing slash; asked each time, known when it listens. */
  readonly publicUrl: () => string;
  /** What is in front of the assets; null: nothing. */
  readonly cdn: Cdn | null;
  readonly clock: Clock;
}

/** Longest life of a URL signed for a CDN, in seconds: a week, as at the stores. */
const CDN_URL_SECONDS_MAX = 604_800;

/** Signed URLs show what browsers can show safely: an application links them from `<img>` and `<video>`. */
export function createAssetUrls(options: AssetUrlOptions): AssetUrls {
  const signed: AssetUrls['signed'] = async (asset, reader, lifetimeSeconds, wanted = {}) => {
    const { disposition = 'inline', ...conditions } = wanted;
    const signer = disposition === 'inline' ? (cdnOf(options, asset)?.signer ?? null) : null;
    if (signer !== null) {
      return await signer.signRead(asset, {
        nowMs: options.clock.now(),
        lifetimeSeconds: Math.min(lifetimeSeconds, CDN_URL_SECONDS_MAX),
        ...conditions,
      });
    }
    if (conditions.startsAtMs !== undefined || conditions.ipRange !== undefined) {
      throw new StowageError(
        'invalid_parameter',
        'Only a CDN with a key pair can bind a URL to a time or an address.',
      );
    }
    const store = await options.stores.of(asset.backend);
    return await store.signRead(asset.key, {
      nowMs: options.clock.now(),
      lifetimeSeconds: Math.min(lifetimeSeconds, store.capabilities.signedUrlSecondsMax),
      contentDisposition: contentDisposition(asset.filename, asset.mediaType, disposition),
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
          ? { url: publicUrlOf(options, asset), expiresAtMs: null }
          : await signed(asset, reader, options.recordUrlSeconds);
      return { ...url, storageUrl: `${storageUrlBase}${asset.key}` };
    },
  };
}

/** The CDN that reaches the asset's bytes: one in front of a bucket knows nothing of files that are elsewhere. */
function cdnOf({ cdn, stores }: AssetUrlOptions, asset: Asset): Cdn | null {
  return cdn !== null && (cdn.origin === 'service' || asset.backend === stores.main.name) ? cdn : null;
}

function publicUrlOf(options: AssetUrlOptions, asset: Asset): string {
  return cdnOf(options, asset)?.publicUrl(asset.key) ?? publicAssetUrl(options.publicUrl(), asset.key);
}

/** The permanent URL of an asset of a public type, without a CDN. */
export function publicAssetUrl(publicUrl: string, key: ObjectKey): string {
  return publicUrl + publicPath('service', key);
}
