import type { Catalog } from '../catalog/catalog.ts';
import { collectBytes, streamOf } from '../core/bytes.ts';
import { isStowageError } from '../core/errors.ts';
import { isUuid } from '../core/ids.ts';
import { parseObjectKey } from '../core/key.ts';
import type { StorageBackend } from '../storage/backend.ts';

/** The object in which a store remembers the catalog it belongs to. Never an orphan. */
export const STORE_OWNER_KEY = parseObjectKey('stowage/catalog-id');

const OWNER_BYTES_MAX = 1024;

/** A store and the catalog it may belong to. */
interface OwnedParts {
  readonly bucket: Pick<StorageBackend, 'get' | 'put'>;
  readonly catalog: Pick<Catalog, 'catalogId'>;
}

/** Calls of a sweep that can be cut short. */
interface Cancellable {
  readonly signal?: AbortSignal;
}

/**
 * Whether the store belongs to another catalog, whose files would all look like orphans.
 *
 * @param options.claim true: a store that belongs to nobody becomes this catalog's; of many who claim one wins.
 * @returns why this catalog must not remove anything there; null when it may.
 */
export async function findOtherOwner(
  parts: OwnedParts,
  options: { readonly claim: boolean } & Cancellable,
): Promise<string | null> {
  const signal = options.signal === undefined ? {} : { signal: options.signal };
  const catalogId = await parts.catalog.catalogId();
  let owner = await readOwner(parts, signal);
  if (owner === null && options.claim) {
    await claimStore(parts, catalogId, signal);
    owner = await readOwner(parts, signal);
  }
  if (owner === null || owner === catalogId) return null;
  const whose = isUuid(owner) ? `another catalog (${owner})` : 'something else';
  return (
    `The store belongs to ${whose}, not to this one (${catalogId}): ` +
    `wrong database or wrong store? If this catalog really took its place, remove the object ${STORE_OWNER_KEY}.`
  );
}

/** Whether the store is known to belong to this catalog: it has claimed it. */
export async function isOurStore(parts: OwnedParts, signal: AbortSignal | undefined): Promise<boolean> {
  const owner = await readOwner(parts, signal === undefined ? {} : { signal });
  return owner !== null && owner === (await parts.catalog.catalogId());
}

async function readOwner(parts: Pick<OwnedParts, 'bucket'>, signal: Cancellable): Promise<string | null> {
  try {
    const { body } = await parts.bucket.get(STORE_OWNER_KEY, signal);
    return (await collectBytes(body, OWNER_BYTES_MAX)).toString().trim();
  } catch (error) {
    if (isStowageError(error, 'object_not_found')) return null;
    throw error;
  }
}

async function claimStore(
  parts: Pick<OwnedParts, 'bucket'>,
  catalogId: string,
  signal: Cancellable,
): Promise<void> {
  try {
    await parts.bucket.put(STORE_OWNER_KEY, streamOf(Buffer.from(`${catalogId}\n`)), {
      ...{ mode: 'create', contentType: 'text/plain', cacheControl: '', metadata: {} },
      ...signal,
    });
  } catch (error) {
    if (!isStowageError(error, 'object_exists')) throw error;
  }
}
