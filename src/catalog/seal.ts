import { setTimeout as delay } from 'node:timers/promises';
import { sql, type Transaction } from 'kysely';
import type { Clock } from '../core/clock.ts';
import { throwIfAborted } from '../core/errors.ts';
import { accessEntryOf } from './access-log.ts';
import type { Database } from './database.ts';
import { FIRST_PREVIOUS_HASH, hashEntry, hashSeal } from './entry-hash.ts';
import { translated } from './errors.ts';
import type { Schema } from './schema.ts';

export const ENTRIES_PER_SEAL_MAX = 1_000;
/** Writers end within milliseconds; one that takes longer leaves its neighbours to the next run. */
const FINAL_WAITS_MAX = 50;
const FINAL_WAIT_MS = 20;

/**
 * Seals the entries that are final: those before which no entry can appear any more.
 *
 * Entry ids are drawn from a sequence by transactions that may end in another order. Reading the sequence first and
 * then waiting until all transactions of that moment have ended makes sure that everything up to the number read is
 * either there or never will be. (A trigger numbers a transaction before it draws an id.)
 *
 * @returns how many entries were sealed; 0 also when another node is sealing.
 */
export async function sealEntries(database: Database, clock: Clock, signal?: AbortSignal): Promise<number> {
  const lastFinal = await readLastFinalEntry(database, signal);
  if (lastFinal === null) return 0;
  let sealed = 0;
  for (;;) {
    throwIfAborted(signal);
    const count = await translated(
      database.queries.transaction().execute((transaction) => sealOnce(transaction, lastFinal, clock.now())),
    );
    sealed += count;
    if (count < ENTRIES_PER_SEAL_MAX) return sealed;
  }
}

/** @returns the id up to which entries are final; null when there is none or writers are still at work. */
async function readLastFinalEntry({ queries }: Database, signal?: AbortSignal): Promise<string | null> {
  const sequence = await translated(
    sql<{ last: string; called: boolean }>`
      select last_value as last, is_called as called from file_access_logs_entry_id_seq`.execute(queries),
  );
  const row = sequence.rows[0];
  if (row === undefined || !row.called) return null;
  const horizon = await translated(
    sql<{ next: string }>`select pg_snapshot_xmax(pg_current_snapshot())::text as next`.execute(queries),
  );
  const next = horizon.rows[0]?.next ?? '0';
  for (let wait = 0; wait < FINAL_WAITS_MAX; wait += 1) {
    throwIfAborted(signal);
    const ended = await translated(
      sql<{
        ended: boolean;
      }>`select pg_snapshot_xmin(pg_current_snapshot()) >= ${next}::xid8 as ended`.execute(queries),
    );
    if (ended.rows[0]?.ended === true) return row.last;
    await delay(FINAL_WAIT_MS, undefined, { signal, ref: false }).catch(() => throwIfAborted(signal));
  }
  return null;
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
    .selectAll()
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
    entryHashes: Buffer.concat(rows.map((row) => hashEntry(accessEntryOf(row)))),
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
