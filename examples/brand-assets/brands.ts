import { type Caller, type RecordAsset, StowageError, type Transaction } from 'stowage';
import type { Storage } from './storage.ts';

export interface Brand {
  readonly id: string;
  readonly name: string;
  readonly created_at: Date;
}

/** For a day the browser may come back to a URL; it gets the same one within five minutes, and caches what is behind it. */
const URL_SECONDS = 24 * 3600;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** @throws StowageError `not_found`, also for the brand of somebody else: its existence is nobody's business. */
export async function findBrand({ stowage }: Storage, id: string, user: Caller): Promise<Brand> {
  const { rows } = await stowage.database.query<Brand>(
    'select id, name, created_at from brands where id = $1 and tenant_id = $2 and user_id = $3',
    [UUID.test(id) ? id : null, user.tenantId, user.userId],
  );
  const [brand] = rows;
  if (brand === undefined) throw new StowageError('not_found', 'There is no such brand.');
  return brand;
}

/**
 * The ids of images by their keys, in that order.
 *
 * @throws StowageError `invalid_parameter` when it is no list of keys, or names what is no brand image of the tenant.
 */
export async function imagesByKey(
  tx: Pick<Transaction, 'query'>,
  keys: unknown,
  user: Caller,
): Promise<string[]> {
  const wanted = Array.isArray(keys) ? keys.filter((key) => typeof key === 'string') : [];
  const { rows } = await tx.query<{ id: string; s3_key: string }>(
    `select id, s3_key from public.assets
     where s3_key = any ($1) and tenant_id = $2 and asset_type = 'brand_image' and state = 'stored'`,
    [wanted.slice(0, 100), user.tenantId],
  );
  const ids = new Map(rows.map(({ id, s3_key }) => [s3_key, id]));
  return wanted.map((key) => {
    const id = ids.get(key);
    if (id !== undefined) return id;
    throw new StowageError('invalid_parameter', `There is no brand image with the key ${key}.`);
  });
}

/** A brand with its images, to be shown: each with a URL for its thumbnail. That is null until it is made, which
 * `is_waiting` tells, and for good when the image can't be decoded. */
export async function brandJson({ stowage, variants }: Storage, brand: Brand, user: Caller) {
  const record = { recordType: 'brand', recordId: brand.id, role: 'product_image' } as const;
  const images = await stowage.linked(record, user);
  const made = await variants.of(images.map(({ asset }) => asset.assetId));
  // Brands may have images and thumbnails of colleagues: who may see the brand may see them.
  const reader: Caller = { ...user, role: 'admin' };
  const urlOf = async (assetId: string) =>
    (await stowage.signedUrl(assetId, reader, { lifetimeSeconds: URL_SECONDS })).url;
  const imageJson = async ({ asset }: RecordAsset) => {
    const thumbnail = made.get(asset.assetId)?.thumbnail;
    return {
      asset_id: asset.assetId,
      key: asset.key,
      filename: asset.filename,
      url: await urlOf(asset.assetId),
      thumbnail_url: thumbnail == null ? null : await urlOf(thumbnail),
      is_waiting: thumbnail === undefined,
    };
  };
  return { ...brand, product_images: await Promise.all(images.map(imageJson)) };
}
