import { setTimeout as delay } from 'node:timers/promises';
import { sql, type Transaction } from 'kysely';
import type { Clock } from '../core/clock.ts';
import { throwIfAborted } from '../core/errors.ts';
import type { Database } from './database.ts';
import { FIRST_PREVIOUS_HASH, hashSeal } from './entry-hash.ts';
import { entryHash } from './entry-hash-sql.ts';
import { translated } from './errors.ts';
import type { Schema } from './schema.ts';

type Queries = Database['queries'];

export const ENTRIES_PER_SEAL_MAX = 1_000;
/** Writers end within milliseconds; what one holds back that takes longer is left to the next run. */
const FINAL_WAITS_MAX = 50;
const FINAL_WAIT_MS = 20;

/**
 * What entries become final by: those up to `last` are as soon as all transactions before `next` have ended. Another
 * server, and the same one after a restart, may give the same numbers again.
 */
interface Horizon {
  readonly last: string;
  readonly next: string;
  readonly server: string;
}

/**
 * Seals the entries that are final: those before which no entry can appear any more.
 *
 * Entry ids are drawn from a sequence by transactions that may end in another order. Reading the sequence first and
 * then waiting until all transactions of that moment have ended makes sure that everything up to the number read is
 * either there or never will be. (A trigger numbers a transaction before it draws an id.) A number that was waited for
 * in vain is kept for the next call: with a new one each time, long transactions that overlap would hold it up for ever.
 *
 * @returns what answers how many entries were sealed; 0 also when another node is sealing.
 */
export function entrySealer(database: Database, clock: Clock): (signal?: AbortSignal) => Promise<number> {
  const readLastFinalEntry = finalEntryReader(database);
  return async (signal) => {
    const lastFinal = await readLastFinalEntry(signal);
    if (lastFinal === null) return 0;
    let sealed = 0;
    for (;;) {
      throwIfAborted(signal);
      const count = await translated(
        database.queries
          .transaction()
          .execute((transaction) => sealOnce(transaction, lastFinal, clock.now())),
      );
      sealed += count;
      if (count < ENTRIES_PER_SEAL_MAX) return sealed;
    }
  };
}

/** @returns what reads the id up to which entries are final; null when there is none or writers are still at work. */
function finalEntryReader({ queries }: Database): (signal?: AbortSignal) => Promise<string | null> {
  let kept: Horizon | null = null;
  return async (signal) => {
    const earlier = kept;
    let last: string | null = null;
    if (earlier !== null) {
      const state = await waitFor(queries, earlier, signal);
      if (state === 'open') return null;
      if (state === 'reached') last = earlier.last;
      if (kept === earlier) kept = null;
    }
    const horizon = await readHorizon(queries);
    if (horizon === null || horizon.last === last) return last;
    if ((await waitFor(queries, horizon, signal)) === 'reached') return horizon.last;
    kept ??= horizon;
    return last;
  };
}

/**
 * The sequence is read first: its ids were then drawn by transactions with smaller numbers than the one drawn here. (The
 * upper end of a snapshot would not do: it leaves out what began after the last one that has ended.)
 */
async function readHorizon(queries: Queries): Promise<Horizon | null> {
  const sequence = await translated(
    sql<{ last: string; called: boolean }>`
      select last_value as last, is_called as called from file_access_logs_entry_id_seq`.execute(queries),
  );
  const row = sequence.rows[0];
  if (row === undefined || !row.called) return null;
  const horizon = await translated(
    sql<{ next: string; server: string }>`
      select pg_current_xact_id()::text as next,
             extract(epoch from pg_postmaster_start_time())::text as server`.execute(queries),
  );
  const known = horizon.rows[0];
  return known === undefined ? null : { last: row.last, ...known };
}

/** @returns `open` when transactions before it are still at work after a second, `lost` when its server is gone. */
async function waitFor(
  queries: Queries,
  { next, server }: Horizon,
  signal?: AbortSignal,
): Promise<'reached' | 'open' | 'lost'> {
  for (let wait = 0; wait < FINAL_WAITS_MAX; wait += 1) {
    throwIfAborted(signal);
    const { rows } = await translated(
      sql<{ reached: boolean; same: boolean }>`
        select pg_snapshot_xmin(pg_current_snapshot()) >= ${next}::xid8 as reached,
               extract(epoch from pg_postmaster_start_time())::text = ${server} as same`.execute(queries),
    );
    if (rows[0]?.same !== true) return 'lost';
    if (rows[0].reached) return 'reached';
    await delay(FINAL_WAIT_MS, undefined, { signal, ref: false }).catch(() => throwIfAborted(signal));
  }
  return 'open';
}

async function sealOnce(transaction: Transaction<Schema>, lastFinal: string, nowMs: number): Promise<number> {
  const lock = await sql<{ ours: boolean }>`
    select pg_try_advisory_xact_lock(hashtext('stowage.seal')) as ours`.execute(transaction);
  if (lock.rows[0]?.ours !== true) return 0;
  const last = await transaction
    .selectFrom('access_log_seals')
    .select(['seal_id', 'seal_hash', sql<string>`entry_ids[cardinality(entry_ids)]`.as('last_entry_id')])
    .orderBy('seal_id', 'desc')
    .limit(1)
    .executeTakeFirst();
  const rows = await transaction
    .selectFrom('file_access_logs')
    .select(['entry_id', entryHash.as('hash')])
    .where('entry_id', '>', last?.last_entry_id ?? '0')
    .where('entry_id', '<=', lastFinal)
    .orderBy('entry_id')
    .limit(ENTRIES_PER_SEAL_MAX)
    .execute();
  if (rows.length === 0) return 0;
  const seal = {
    sealId: BigInt(last?.seal_id ?? 0) + 1n,
    previousHash: last?.seal_hash ?? FIRST_PREVIOUS_HASH,
    sealedAtMs: nowMs,
    entryIds: rows.map((row) => BigInt(row.entry_id)),
    entryHashes: Buffer.concat(rows.map(({ hash }) => hash)),
  };
  await transaction
    .insertInto('access_log_seals')
    .values({
      seal_id: seal.sealId.toString(),
      entry_ids: seal.entryIds.map(String),
      entry_hashes: seal.entryHashes,
      previous_hash: seal.previousHash,
      seal_hash: hashSeal(seal),
      sealed_at: new Date(nowMs),
    })
    .execute();
  return rows.length;
}
