import { isStowageError } from '../../core/errors.ts';
import type { ObjectKey } from '../../core/key.ts';
import { storeError } from '../faults.ts';
import { withRetries } from '../retry.ts';
import type { GcsClient } from './client.ts';
import { parseJson, textOf } from './client.ts';
import type { GcsResource, WrittenResource } from './resources.ts';

/** A call on one object. */
export interface ObjectCall {
  readonly client: GcsClient;
  readonly key: ObjectKey;
  readonly signal: AbortSignal | undefined;
}

/** @throws StowageError `object_not_found`. */
export async function readResource({ client, key, signal }: ObjectCall): Promise<GcsResource> {
  return client.callForJson<GcsResource>({ method: 'GET', path: client.objectPath(key), signal });
}

/** Whether there is an object. */
export async function objectExists(call: ObjectCall): Promise<boolean> {
  try {
    await readResource(call);
    return true;
  } catch (error) {
    if (isStowageError(error, 'object_not_found')) return false;
    throw error;
  }
}

/** Removes an object, or only its given generation; one that is gone is no failure. */
export async function deleteObject({ client, key, signal }: ObjectCall, generation?: string): Promise<void> {
  const query = generation === undefined ? {} : { generation };
  try {
    await (await client.call({ method: 'DELETE', path: client.objectPath(key), query, signal })).body.dump();
  } catch (error) {
    if (!isStowageError(error, 'object_not_found')) throw error;
  }
}

/** Sets the metadata of one generation of an object. */
export async function patchMetadata(
  { client, key, signal }: ObjectCall,
  generation: string,
  metadata: WrittenResource['metadata'],
): Promise<GcsResource> {
  return client.callForJson<GcsResource>({
    method: 'PATCH',
    path: client.objectPath(key),
    query: { generation },
    headers: { 'content-type': 'application/json; charset=UTF-8' },
    body: [Buffer.from(JSON.stringify({ metadata }))],
    signal,
  });
}

/**
 * Copies an object inside the store; what it is described by is given, not the source's. Large objects that move to
 * another place take several calls, each going on where the one before ended.
 */
export async function rewriteObject(
  { client, key, signal }: ObjectCall,
  target: ObjectKey,
  write: { readonly resource: WrittenResource; readonly mode: 'create' | 'replace' },
): Promise<GcsResource> {
  const call = (rewriteToken: string | undefined) =>
    client.callOnce({
      method: 'POST',
      path: client.rewritePath(key, target),
      query: {
        ...(write.mode === 'create' ? { ifGenerationMatch: '0' } : {}),
        ...(rewriteToken === undefined ? {} : { rewriteToken }),
      },
      headers: { 'content-type': 'application/json; charset=UTF-8' },
      body: [Buffer.from(JSON.stringify(write.resource))],
      signal,
    });
  for (let rewriteToken: string | undefined; ; ) {
    const step = await conditionally({ client, key: target, signal }, write, async () =>
      parseJson<RewriteStep>(await textOf(await call(rewriteToken), signal)),
    );
    if (!('done' in step)) return step;
    if (step.done && step.resource !== undefined) return step.resource;
    if (step.rewriteToken === undefined || step.rewriteToken === rewriteToken)
      throw storeError('storage_unavailable', new Error('The copy does not go on.'));
    rewriteToken = step.rewriteToken;
  }
}

interface RewriteStep {
  readonly done: boolean;
  readonly resource?: GcsResource;
  readonly rewriteToken?: string;
}

/**
 * Repeats a write that may be conditional. A try after the first may find its own object: an earlier one stored it
 * although its answer was lost. That is told by the description and, where the store has it, the MD5.
 */
export async function conditionally<Result>(
  call: ObjectCall,
  { resource, mode }: { readonly resource: WrittenResource; readonly mode: 'create' | 'replace' },
  write: () => Promise<Result>,
): Promise<Result | GcsResource> {
  return withRetries(
    async (attempt) => {
      try {
        return await write();
      } catch (error) {
        if (attempt === 0 || mode !== 'create' || !isStowageError(error, 'object_exists')) throw error;
        const found = await readResource(call);
        if (isDescribedAs(found, resource)) return found;
        throw error;
      }
    },
    { signal: call.signal, log: call.client.log },
  );
}

function isDescribedAs(found: GcsResource, written: WrittenResource): boolean {
  const { metadata = {} } = found;
  const wanted = Object.entries(written.metadata ?? {});
  return (
    found.contentType === written.contentType &&
    (found.cacheControl ?? '') === (written.cacheControl ?? '') &&
    (written.md5Hash === undefined || found.md5Hash === written.md5Hash) &&
    Object.keys(metadata).length === wanted.length &&
    wanted.every(([name, value]) => metadata[name] === value)
  );
}
