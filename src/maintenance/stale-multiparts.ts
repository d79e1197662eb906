import type { StaleMultipart } from '../storage/index.ts';
import { withSignal } from './find-orphans.ts';
import type { Removed } from './removals.ts';
import type { SweepOptions, SweepParts } from './sweep.ts';

const BATCH = 500;

/** Aborts multi-part uploads that were begun long ago and never ended, but for those of direct uploads that are open. */
export async function abortStaleMultiparts(
  parts: Pick<SweepParts, 'bucket' | 'catalog' | 'listStaleMultipart' | 'log'>,
  options: Pick<SweepOptions, 'apply' | 'signal'> & { readonly beforeMs: number },
): Promise<Removed> {
  const stale = await withoutOpen(parts, (await parts.listStaleMultipart?.(options.beforeMs)) ?? []);
  let removed = 0;
  let failures = 0;
  for (const { key, uploadId } of options.apply ? stale : []) {
    try {
      const upload = parts.bucket.resumeMultipart(key, uploadId, {
        contentType: 'application/octet-stream',
        cacheControl: '',
        metadata: {},
      });
      await upload.abort(withSignal(options.signal));
      removed += 1;
    } catch (error) {
      failures += 1;
      parts.log.warn({ key, err: error }, 'A stale upload could not be aborted.');
    }
  }
  return { found: stale.length, count: { found: stale.length, bytes: 0, removed }, failures };
}

async function withoutOpen(
  { catalog }: Pick<SweepParts, 'catalog'>,
  stale: readonly StaleMultipart[],
): Promise<readonly StaleMultipart[]> {
  const left: StaleMultipart[] = [];
  for (let start = 0; start < stale.length; start += BATCH) {
    const batch = stale.slice(start, start + BATCH);
    const inUse = await catalog.keysInUse(batch.map(({ key }) => key));
    left.push(...batch.filter(({ key }) => !inUse.has(key)));
  }
  return left;
}
