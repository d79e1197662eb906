import { randomUUID } from 'node:crypto';
import { isStowageError } from '../../core/errors.ts';
import { type ObjectKey, parseObjectKey } from '../../core/key.ts';
import { deleteObject, type ObjectCall, rewriteObject } from './object-calls.ts';
import { CLEAN_UP_TIMEOUT_MS } from './options.ts';
import type { GcsResource, WrittenResource } from './resources.ts';

/** Where objects wait that are not yet what they will be; below `incoming/`, which is never served and is swept. */
const STAGING_PREFIX = 'incoming/staged/';

/** A name for one waiting object. */
export function newStagingId(): string {
  return randomUUID();
}

export function stagingKey(stagingId: string): ObjectKey {
  return parseObjectKey(STAGING_PREFIX + stagingId);
}

/**
 * Makes a waiting object the one under `target`, in one step that readers see whole, and removes it where it waited.
 * Within one bucket the store only writes a new description: no bytes move.
 */
export async function promote(
  staged: ObjectCall,
  target: ObjectKey,
  write: { readonly resource: WrittenResource; readonly mode: 'create' | 'replace' },
): Promise<GcsResource> {
  try {
    const resource = await rewriteObject(staged, target, write);
    await discard(staged);
    return resource;
  } catch (error) {
    // Lost for good; after other faults the object waits for the next try.
    if (isStowageError(error, 'object_exists')) await discard(staged);
    throw error;
  }
}

/**
 * Removes an object that shall not stay, or only its given generation: whatever happened to the caller's signal, and if it
 * can be done; if not the sweeper does it.
 */
export async function discard(staged: ObjectCall, generation?: string): Promise<void> {
  const signal = AbortSignal.timeout(CLEAN_UP_TIMEOUT_MS);
  try {
    await deleteObject({ ...staged, signal }, generation);
  } catch (error) {
    staged.client.log.warn({ err: error, key: staged.key }, 'an object was left behind for the sweeper');
  }
}
