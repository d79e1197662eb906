import type { Kysely, Selectable } from 'kysely';
import { throwIfAborted } from '../core/errors.ts';
import { accessEntryOf } from './access-log.ts';
import type { AuditReport, StoredAccessEntry } from './catalog.ts';
import type { Database } from './database.ts';
import { FIRST_PREVIOUS_HASH, hashEntry, hashSeal } from './entry-hash.ts';
import { translated } from './errors.ts';
import type { Schema } from './schema.ts';
import { ENTRIES_PER_SEAL_MAX } from './seal.ts';

type Seal = Selectable<Schema['access_log_seals']>;
type Broken = NonNullable<AuditReport['broken']>;

const SEALS_PER_PAGE = 8;
const HASH_BYTES = 32;

/** Recomputes the chain in one snapshot, a seal at a time, until its end or the first place that does not fit. */
export function verifyEntries(
  { queries }: Database,
  options: { readonly onProgress?: (checked: number) => void; readonly signal?: AbortSignal },
): Promise<AuditReport> {
  const check = queries
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async (snapshot): Promise<AuditReport> => {
      let sealed = 0;
      let seals = 0;
      let head: Buffer = FIRST_PREVIOUS_HASH;
      let lastEntryId: string | null = null;
      const report = (broken: Broken | null, unsealed: number): AuditReport => ({
        entries: sealed + unsealed,
        sealed,
        seals,
        head: seals === 0 ? null : head.toString('hex'),
        broken,
      });
      for await (const seal of walkSeals(snapshot)) {
        throwIfAborted(options.signal);
        const broken: Broken | null =
          checkSeal(seal, BigInt(seals) + 1n, head, lastEntryId) ??
          (await checkEntries(snapshot, seal, lastEntryId));
        if (broken !== null) return report(broken, 0);
        seals += 1;
        sealed += seal.entry_ids.length;
        head = seal.seal_hash;
        lastEntryId = seal.entry_ids.at(-1) ?? lastEntryId;
        options.onProgress?.(sealed);
      }
      return report(null, await countAfter(snapshot, lastEntryId));
    });
  return translated(check);
}

/** All entries, oldest first, each with its hash and the seal that holds it; null for the unsealed tail. */
export async function* exportEntries(
  { queries }: Database,
  signal?: AbortSignal,
): AsyncGenerator<StoredAccessEntry & { readonly entryHash: string; readonly sealId: number | null }> {
  let lastEntryId: string | null = null;
  for await (const seal of walkSeals(queries)) {
    const ids = new Set(seal.entry_ids);
    const until: string | null = seal.entry_ids.at(-1) ?? null;
    for await (const entry of walkEntries(queries, lastEntryId, until)) {
      throwIfAborted(signal);
      yield {
        ...entry,
        entryHash: hashEntry(entry).toString('hex'),
        sealId: ids.has(entry.entryId) ? Number(seal.seal_id) : null,
      };
    }
    lastEntryId = until;
  }
  for await (const entry of walkEntries(queries, lastEntryId, null)) {
    throwIfAborted(signal);
    yield { ...entry, entryHash: hashEntry(entry).toString('hex'), sealId: null };
  }
}

function checkSeal(seal: Seal, expectedId: bigint, head: Buffer, lastEntryId: string | null): Broken | null {
  const broken = (problem: string): Broken => ({ entryId: null, sealId: Number(seal.seal_id), problem });
  if (BigInt(seal.seal_id) !== expectedId) return broken(`Seal ${expectedId} was removed.`);
  const entryIds = seal.entry_ids.map(BigInt);
  const recomputed = hashSeal({
    sealId: expectedId,
    previousHash: seal.previous_hash,
    sealedAtMs: seal.sealed_at.getTime(),
    entryIds,
    entryHashes: seal.entry_hashes,
  });
  if (!recomputed.equals(seal.seal_hash)) return broken(`Seal ${expectedId} was altered.`);
  if (!seal.previous_hash.equals(head))
    return broken(`Seal ${expectedId} does not follow the seal before it.`);
  let before = lastEntryId === null ? null : BigInt(lastEntryId);
  for (const id of entryIds) {
    if (before !== null && id <= before) return broken(`Seal ${expectedId} holds entries out of order.`);
    before = id;
  }
  return null;
}

async function checkEntries(
  queries: Kysely<Schema>,
  seal: Seal,
  lastEntryId: string | null,
): Promise<Broken | null> {
  const sealId = Number(seal.seal_id);
  const broken = (entryId: string, problem: string): Broken => ({ entryId, sealId, problem });
  // One more than a seal can hold: enough to meet the first entry that should not be there.
  const entries = await readEntries(
    queries,
    lastEntryId,
    seal.entry_ids.at(-1) ?? null,
    ENTRIES_PER_SEAL_MAX + 1,
  );
  for (const [index, id] of seal.entry_ids.entries()) {
    const entry = entries[index];
    if (entry === undefined || BigInt(entry.entryId) > BigInt(id))
      return broken(id, `Entry ${id} was removed.`);
    if (BigInt(entry.entryId) < BigInt(id)) {
      return broken(entry.entryId, `Entry ${entry.entryId} was inserted among sealed ones.`);
    }
    const sealedHash = seal.entry_hashes.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES);
    if (!hashEntry(entry).equals(sealedHash)) return broken(id, `Entry ${id} was altered.`);
  }
  return null;
}

async function* walkSeals(queries: Kysely<Schema>): AsyncGenerator<Seal> {
  for (let lastId: string | null = null; ; ) {
    let page = queries.selectFrom('access_log_seals').selectAll().orderBy('seal_id').limit(SEALS_PER_PAGE);
    if (lastId !== null) page = page.where('seal_id', '>', lastId);
    const seals: Seal[] = await translated(page.execute());
    yield* seals;
    lastId = seals.at(-1)?.seal_id ?? null;
    if (lastId === null) return;
  }
}

async function* walkEntries(
  queries: Kysely<Schema>,
  afterId: string | null,
  untilId: string | null,
): AsyncGenerator<StoredAccessEntry> {
  for (let lastId = afterId; ; ) {
    const entries = await readEntries(queries, lastId, untilId, ENTRIES_PER_SEAL_MAX);
    yield* entries;
    if (entries.length < ENTRIES_PER_SEAL_MAX) return;
    lastId = entries.at(-1)?.entryId ?? null;
  }
}

async function readEntries(
  queries: Kysely<Schema>,
  afterId: string | null,
  untilId: string | null,
  limit: number,
): Promise<StoredAccessEntry[]> {
  let rows = queries.selectFrom('file_access_logs').selectAll().orderBy('entry_id').limit(limit);
  if (afterId !== null) rows = rows.where('entry_id', '>', afterId);
  if (untilId !== null) rows = rows.where('entry_id', '<=', untilId);
  return (await translated(rows.execute())).map(accessEntryOf);
}

async function countAfter(queries: Kysely<Schema>, entryId: string | null): Promise<number> {
  let rows = queries.selectFrom('file_access_logs').select((eb) => eb.fn.countAll<string>().as('count'));
  if (entryId !== null) rows = rows.where('entry_id', '>', entryId);
  return Number((await rows.executeTakeFirstOrThrow()).count);
}
