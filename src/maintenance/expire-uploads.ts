import type { DirectUpload } from '../catalog/uploads-in-progress.ts';
import { throwIfAborted } from '../core/errors.ts';
import { newUuid } from '../core/ids.ts';
import { removeIncoming } from '../storage/incoming.ts';
import type { Removed } from './removals.ts';
import type { SweepOptions, SweepParts } from './sweep.ts';

const BATCH = 500;
/** Most uploads that end in one run; the next goes on. */
const EXPIRED_MAX = 100_000;
/** How long the removal of one upload's bytes may take, in milliseconds; nobody else touches it meanwhile. */
const REMOVE_MS_MAX = 60_000;
const CLAIM_MS = 2 * REMOVE_MS_MAX;

/**
 * Ends direct uploads that nobody completed in time: bytes and parts first, then the row, which gives the place in the
 * owner's limit back. One that fails stays, and the next run tries again.
 */
export async function expireUploads(
  parts: Pick<SweepParts, 'bucket' | 'catalog' | 'clock' | 'log'>,
  options: Pick<SweepOptions, 'apply' | 'onProgress' | 'signal'>,
): Promise<Removed> {
  const { bucket, catalog, clock, log } = parts;
  let found = 0;
  let bytes = 0;
  let removed = 0;
  let failures = 0;
  const query = { backend: bucket.name, nowMs: clock.now(), limit: BATCH };
  for (let after: DirectUpload | null = null; found < EXPIRED_MAX; ) {
    throwIfAborted(options.signal);
    const page: readonly DirectUpload[] = await catalog.listExpiredUploads({ ...query, after });
    for (const upload of page) {
      found += 1;
      bytes += upload.sizeBytes;
      if (!options.apply) continue;
      throwIfAborted(options.signal);
      const held = { uploadId: upload.uploadId, claim: newUuid() };
      try {
        const nowMs = clock.now();
        const claiming = { claim: held.claim, nowMs, untilMs: nowMs + CLAIM_MS, expired: true };
        // Somebody was faster: another node's sweep.
        if (!(await catalog.claimUpload(upload.uploadId, claiming))) continue;
        await removeIncoming(bucket, upload, AbortSignal.timeout(REMOVE_MS_MAX));
        if (await catalog.endUpload(held, 'expired', null)) removed += 1;
      } catch (error) {
        failures += 1;
        log.warn({ upload_id: upload.uploadId, err: error }, 'An expired upload could not be removed.');
        await catalog.releaseUpload(held).catch(() => undefined);
      }
    }
    options.onProgress?.('expired uploads', found);
    const last = page.at(-1);
    if (last === undefined || page.length < BATCH) break;
    // What could not be removed is left behind too: the others must not wait for it.
    after = last;
  }
  return { found, count: { found, bytes, removed }, failures };
}
