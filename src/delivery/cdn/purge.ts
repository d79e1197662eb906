import type { Catalog } from '../../catalog/catalog.ts';
import type { ClaimedPurge } from '../../catalog/cdn-purges.ts';
import type { Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';

/** A cache, or many of them, that can be told to forget. */
export interface Purger {
  /** What the log calls it. */
  readonly name: string;
  /** Most keys of one call. */
  readonly keysMax: number;
  /**
   * Makes it forget everything it has of the keys. Repeating it is harmless.
   *
   * @returns what it calls the purge; null when it has no name for it.
   * @throws whatever goes wrong: it is tried again later.
   */
  purge(keys: readonly string[], signal: AbortSignal): Promise<string | null>;
  close(): Promise<void>;
}

/** What purging works with. */
export interface PurgeParts {
  readonly catalog: Pick<Catalog, 'claimPurges' | 'endPurge' | 'notePurgeProblem'>;
  /** All of them must have forgotten a key before it is done. */
  readonly purgers: readonly Purger[];
  readonly clock: Clock;
  readonly log: Log;
}

/** Most purges of one turn: the rest waits for the next, so that a service can stop in between. */
const TURNS_MAX = 20;
/** How long all caches together may take for one batch, in milliseconds; less than a purge is claimed for. */
const BATCH_MS_MAX = 12_000;
/** From this attempt on, keys of a batch that fails are tried one by one. It is claimed for two minutes then. */
const SINGLY_FROM_ATTEMPT = 4;
/** How long these may take, all together, in milliseconds. */
const SINGLES_MS_MAX = 60_000;

/**
 * Carries out the purges that are due. One that fails is tried again later, and later each time; the database knows.
 *
 * @returns how many were carried out.
 */
export async function purgeDue(parts: PurgeParts, signal: AbortSignal): Promise<number> {
  const { catalog, purgers, clock } = parts;
  const keysMax = Math.min(...purgers.map((purger) => purger.keysMax));
  let purged = 0;
  for (let turn = 0; turn < TURNS_MAX && !signal.aborted; turn += 1) {
    const batch = await catalog.claimPurges(keysMax, clock.now());
    if (batch.length === 0) break;
    const count = await purgeBatch(parts, batch, signal);
    purged += count;
    if (count < keysMax) break;
  }
  return purged;
}

/** @returns how many of the batch were carried out. */
async function purgeBatch(
  parts: PurgeParts,
  batch: readonly ClaimedPurge[],
  signal: AbortSignal,
): Promise<number> {
  const problem = await purgeTogether(parts, batch, BATCH_MS_MAX, signal);
  if (problem === null) return batch.length;
  const attempts = Math.max(...batch.map((purge) => purge.attempts));
  if (!signal.aborted) {
    const { log } = parts;
    log.warn({ keys: batch.length, attempts, problem }, 'A cache could not be purged; tried again later.');
  }
  const again = batch.length > 1 ? batch.filter((purge) => purge.attempts >= SINGLY_FROM_ATTEMPT) : [];
  const later = batch.filter((purge) => !again.includes(purge));
  await Promise.all(later.map((purge) => parts.catalog.notePurgeProblem(purge, problem)));
  return await purgeSingly(parts, again, problem, signal);
}

/**
 * One key that a cache always refuses must not keep the others of its batch, which wait as long as it does and so come
 * with it each time. Every key has the same share of the time: one that hangs leaves enough for the rest.
 */
async function purgeSingly(
  parts: PurgeParts,
  batch: readonly ClaimedPurge[],
  problemOfAll: string,
  signal: AbortSignal,
): Promise<number> {
  let purged = 0;
  for (const purge of batch) {
    const problem = signal.aborted
      ? problemOfAll
      : await purgeTogether(parts, [purge], Math.floor(SINGLES_MS_MAX / batch.length), signal);
    if (problem === null) purged += 1;
    else await parts.catalog.notePurgeProblem(purge, problem);
  }
  return purged;
}

/** @returns null when all caches have forgotten all keys, which is on record then; else why not. */
async function purgeTogether(
  { catalog, purgers, clock, log }: PurgeParts,
  batch: readonly ClaimedPurge[],
  msMax: number,
  signal: AbortSignal,
): Promise<string | null> {
  const keys = batch.map(({ key }) => key);
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(msMax)]);
  const results = await Promise.allSettled(
    purgers.map(async (purger) => {
      try {
        return await purger.purge(keys, bounded);
      } catch (error) {
        throw new Error(`${purger.name}: ${messageOf(error)}`, { cause: error });
      }
    }),
  );
  const problems = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
  if (problems.length > 0) return problems.map(messageOf).join('; ');
  const receipts = results.flatMap((result) =>
    result.status === 'fulfilled' && result.value !== null ? [result.value] : [],
  );
  const receipt = receipts.length === 0 ? null : receipts.join(' ');
  await Promise.all(batch.map((purge) => catalog.endPurge(purge, receipt, clock.now())));
  log.info({ keys: keys.length, receipt }, 'Caches have forgotten what was deleted.');
  return null;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
