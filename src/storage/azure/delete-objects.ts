import { isStowageError } from '../../core/errors.ts';
import type { ObjectKey } from '../../core/key.ts';
import type { DeleteFailure } from '../backend.ts';
import { StoreFailure } from '../faults.ts';
import type { AzureClient } from './client.ts';
import { azureCodeOf, translateAnswer } from './errors.ts';
import { BATCH_DELETES_MAX } from './options.ts';

/** Removes an object, whatever holds on to it. What is not there is removed already. */
export async function deleteOne(
  client: AzureClient,
  key: ObjectKey,
  signal: AbortSignal | undefined,
): Promise<void> {
  const remove = async (): Promise<void> => {
    await client.call({ signal }, (abortSignal) =>
      client.blob(key).delete({ abortSignal, deleteSnapshots: 'include' }),
    );
  };
  try {
    await remove().catch(async (error: unknown) => {
      // Whoever has a write URL can take a lease on the object; that must not keep it from us.
      if (azureCodeOf(error) !== 'LeaseIdMissing') throw error;
      await client.call({ signal }, (abortSignal) =>
        client.blob(key).getBlobLeaseClient().breakLease(0, { abortSignal }),
      );
      await remove();
    });
  } catch (error) {
    if (!isStowageError(error, 'object_not_found')) throw error;
  }
}

/** Removes many objects, some hundred by one request. */
export async function deleteMany(
  client: AzureClient,
  keys: readonly ObjectKey[],
  signal: AbortSignal | undefined,
): Promise<readonly DeleteFailure[]> {
  client.requireOpen(signal);
  const failures: DeleteFailure[] = [];
  for (let at = 0; at < keys.length; at += BATCH_DELETES_MAX)
    failures.push(...(await deleteBatch(client, keys.slice(at, at + BATCH_DELETES_MAX), signal)));
  return failures;
}

async function deleteBatch(
  client: AzureClient,
  keys: readonly ObjectKey[],
  signal: AbortSignal | undefined,
): Promise<readonly DeleteFailure[]> {
  const blobs = keys.map((key) => client.blob(key));
  const batches = client.container.getBlobBatchClient();
  let answers: Awaited<ReturnType<typeof batches.deleteBlobs>>['subResponses'];
  try {
    const options = { deleteSnapshots: 'include' as const };
    const { subResponses } = await client.call({ signal }, (abortSignal) =>
      batches.deleteBlobs(blobs, { ...options, abortSignal }),
    );
    answers = subResponses;
  } catch (error) {
    if (signal?.aborted) throw error;
    return keys.map((key) => ({ key, error }));
  }
  const failures: DeleteFailure[] = [];
  for (const [index, key] of keys.entries()) {
    const status = answers[index]?.status ?? 0;
    if ((status >= 200 && status < 300) || status === 404) continue;
    const code = answers[index]?.errorCode ?? '';
    if (code === 'LeaseIdMissing')
      await deleteOne(client, key, signal).catch((error: unknown) => failures.push({ key, error }));
    else
      failures.push({
        key,
        error: translateAnswer(new StoreFailure(status, code, 'delete in a batch')),
      });
  }
  return failures;
}
