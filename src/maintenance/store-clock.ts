import { streamOf } from '../core/bytes.ts';
import type { Clock } from '../core/clock.ts';
import { isStowageError } from '../core/errors.ts';
import { newUuid } from '../core/ids.ts';
import { parseObjectKey } from '../core/key.ts';
import { INCOMING_PREFIX } from '../storage/incoming.ts';
import { withSignal } from './find-orphans.ts';
import type { SweepOptions, SweepParts } from './sweep.ts';

/** A difference that a person should hear of, in milliseconds. */
const SKEW_MS_WARNED = 5 * 60_000;

/**
 * The clock of the store, which dates its objects: the time of an object that was written just now. By the clock of a
 * machine that is a day ahead, an upload of this minute would be a day old.
 *
 * Where nothing may be written, a sweep that removes nothing goes by our own clock.
 */
export async function readStoreClock(
  parts: Pick<SweepParts, 'bucket' | 'clock' | 'log'>,
  options: Pick<SweepOptions, 'apply' | 'signal'>,
): Promise<number> {
  const { bucket, clock, log } = parts;
  const signal = withSignal(options.signal);
  // Below the prefix of what is never served; should it be left behind, the next sweep but one takes it.
  const key = parseObjectKey(`${INCOMING_PREFIX}clock-${newUuid()}`);
  try {
    await bucket.put(key, streamOf(Buffer.from('What time is it?\n')), {
      ...{ mode: 'create', contentType: 'text/plain', cacheControl: '', metadata: {} },
      ...signal,
    });
    // Not what the put says: S3 tells no time there.
    const { modifiedAtMs } = await bucket.head(key, signal);
    const skewMs = clock.now() - modifiedAtMs;
    if (Math.abs(skewMs) > SKEW_MS_WARNED) {
      log.warn({ skew_ms: skewMs }, 'The clocks of this machine and of the store differ.');
    }
    return modifiedAtMs;
  } catch (error) {
    if (options.apply || !isStowageError(error) || error.code === 'aborted') throw error;
    return clock.now();
  } finally {
    await bucket.delete(key, signal).catch(() => undefined);
  }
}

/** Our clock, held back to the store's when it is ahead: what is judged by age is never too old. */
export function heldBack(clock: Clock, storeNowMs: number): Clock {
  const aheadMs = Math.max(0, clock.now() - storeNowMs);
  return { now: () => clock.now() - aheadMs };
}
