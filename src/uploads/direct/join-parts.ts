import type { DirectUpload } from '../../catalog/uploads-in-progress.ts';
import { StowageError } from '../../core/errors.ts';
import type { PartReceipt, StorageBackend } from '../../storage/backend.ts';
import { INCOMING_WRITE } from '../../storage/incoming.ts';
import { partCountOf, partSizeOf } from './instructions.ts';

/**
 * Joins the parts that the store holds into the object, when they are those of the plan.
 *
 * @throws StowageError `conflict` when one is missing or has another size: it can be sent, or sent again.
 */
export async function joinParts(
  bucket: Pick<StorageBackend, 'resumeMultipart'>,
  upload: DirectUpload,
  signal: AbortSignal,
): Promise<void> {
  const { incomingKey, storeUploadId } = upload;
  if (storeUploadId === null) throw new Error('An upload of one request has no parts to join.');
  const parts = bucket.resumeMultipart(incomingKey, storeUploadId, INCOMING_WRITE);
  const held = new Map((await parts.listParts({ signal })).map((part) => [part.partNumber, part]));
  const planned: PartReceipt[] = [];
  for (let number = 1; number <= partCountOf(upload); number += 1) {
    const part = held.get(number);
    if (part === undefined) throw new StowageError('conflict', `Part ${number} has not arrived yet.`);
    const sizeBytes = partSizeOf(upload, number);
    if (part.sizeBytes !== sizeBytes) {
      throw new StowageError(
        'conflict',
        `Part ${number} has ${part.sizeBytes} bytes instead of ${sizeBytes}: send it again.`,
      );
    }
    planned.push(part);
  }
  // The key belongs to this upload alone, and a try that was cut off may have joined them already.
  await parts.complete(planned, { mode: 'replace', signal });
}
