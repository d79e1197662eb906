import type { ClientBase, Pool } from 'pg';
import type { Clock } from '../core/clock.ts';
import { StowageError } from '../core/errors.ts';
import { entryColumns } from './access-log.ts';
import { Batcher } from './batch.ts';
import type { CommitOutcome, Owner, UploadAllowance, UploadCommit, UploadLimit } from './catalog.ts';
import { commitPlain, isPlain, isSimple } from './commit-plain.ts';
import { assetColumns, type BytesState, type PendingCommit, type Verdict } from './commit-rows.ts';
import { type Database, type PreparedStatement, runPrepared } from './database.ts';
import { translated, wasRolledBack } from './errors.ts';
import { assertStorableJson, storableText } from './text.ts';
import { inTransaction, type Within } from './transaction.ts';

const UPLOADS_PER_BATCH_MAX = 64;
const BATCHES_IN_FLIGHT_MAX = 2;
const PATIENCE_MS = 10;
const UPLOADS_WAITING_MAX = 5_000;
/** How long written rows wait for their bytes, in milliseconds: they keep other uploads of their owners waiting. */
const BYTES_WAIT_MS_MAX = 100;
/** After bytes that came later than that, how long rows are written only when their bytes are durable, in milliseconds. */
const SLOW_DISK_MS = 10_000;
/** A node that stands still between rows and commit loses its transaction after so long, and with it the locks. */
const BEGIN = "begin; set local idle_in_transaction_session_timeout = '5s'";

const COMMIT: PreparedStatement<Verdict & { ordinal: string }> = {
  name: 'commit_uploads',
  text: 'select ordinal, verdict, files_used, window_ends_at from commit_uploads($1::jsonb)',
};

const ALLOWANCE: PreparedStatement<{ files: number; window_end: Date }> = {
  name: 'upload_allowance',
  text: 'select files, window_end from upload_counts where tenant_id = $1 and user_id = $2 and window_end > $3',
};

/** Records finished uploads, those that arrive together in one transaction. */
export function uploadCommitter(database: Database, clock: Clock) {
  const pace = new BytesPace();
  const commits = new Batcher<PendingCommit, Verdict>({
    itemsMax: UPLOADS_PER_BATCH_MAX,
    batchesInFlightMax: BATCHES_IN_FLIGHT_MAX,
    patienceMs: PATIENCE_MS,
    waitingMax: UPLOADS_WAITING_MAX,
    run: (batch) => commitBatch(database, batch, pace),
  });
  const commit = async (pending: PendingCommit): Promise<Verdict> => {
    const { bytes, ...upload } = pending.upload;
    if (bytes === undefined) return commits.add(pending);
    if (isSimple(upload) && !pace.isSlow()) {
      const verdict = await commits.add(pending);
      if (verdict.verdict !== 'no_bytes') return verdict;
    }
    await bytes;
    return commits.add({ upload, bytes: DURABLE, nowMs: clock.now() });
  };
  return async (upload: UploadCommit, within?: Within): Promise<CommitOutcome> => {
    const bytes = stateOf(upload.bytes);
    assertCommittable(upload);
    const nowMs = clock.now();
    const pending = { upload, bytes, nowMs };
    const verdict = await (within === undefined ? commit(pending) : commitWithin(within, pending));
    const { verdict: outcome, files_used, window_ends_at } = verdict;
    if (outcome === 'conflict') throw new StowageError('conflict', 'The upload is already recorded.');
    if (outcome === 'no_bytes') throw new Error('Durable bytes were taken for others.');
    return { outcome, allowance: allowanceOf(upload.limit, nowMs, files_used ?? 0, window_ends_at) };
  };
}

/** Remembers bytes that came late: rows written ahead of such would be written twice. */
class BytesPace {
  #slowUntilMs = 0;

  isSlow(): boolean {
    return performance.now() < this.#slowUntilMs;
  }

  noteLate(): void {
    this.#slowUntilMs = performance.now() + SLOW_DISK_MS;
  }
}

const DURABLE: BytesState = { is: 'durable' };

/** Follows the bytes of an upload, so that a batch need not wait to know how they stand. */
function stateOf(bytes: Promise<unknown> | undefined): BytesState {
  if (bytes === undefined) return DURABLE;
  const state: { is: BytesState['is'] } = { is: 'coming' };
  bytes.then(
    () => {
      state.is = 'durable';
    },
    () => {
      state.is = 'lost';
    },
  );
  return state;
}

/** What the owner may still upload in the running window. */
export async function readAllowance(
  { pool }: Database,
  { tenantId, userId }: Owner,
  limit: UploadLimit,
  nowMs: number,
): Promise<UploadAllowance> {
  const [row] = await runPrepared(pool, ALLOWANCE, [tenantId, userId, new Date(nowMs).toISOString()]);
  return allowanceOf(limit, nowMs, row?.files ?? 0, row?.window_end ?? null);
}

/** What a count of the window leaves. @param windowEnd null when no window runs. */
export function allowanceOf(
  limit: UploadLimit,
  nowMs: number,
  filesUsed: number,
  windowEnd: Date | null,
): UploadAllowance {
  const endMs = windowEnd?.getTime() ?? nowMs + limit.windowSeconds * 1000;
  return {
    limit: limit.filesMax,
    remaining: Math.max(0, limit.filesMax - filesUsed),
    // Another node's clock may be ahead: no window lasts longer than a window.
    resetSeconds: Math.min(limit.windowSeconds, Math.max(1, Math.ceil((endMs - nowMs) / 1000))),
  };
}

/** Checked before the upload meets others in a batch. Names and keys come checked; what users made up does not. */
function assertCommittable(upload: UploadCommit): void {
  for (const asset of upload.assets) assertStorableJson(asset.metadata, 'metadata');
  if (upload.idempotency !== null) assertStorableJson(upload.idempotency.response, 'metadata');
}

/** Records a batch, all of it or what can be. */
async function commitBatch(
  database: Database,
  batch: readonly PendingCommit[],
  pace: BytesPace,
): Promise<readonly Verdict[]> {
  const { pool } = database;
  /** Those that need not be waited for; the others come again when their bytes are durable. */
  const commitOnly = async (some: readonly PendingCommit[]): Promise<readonly Verdict[]> => {
    const verdicts = some.length === 0 ? [] : await commitBatch(database, some, pace);
    return batch.map((pending) => verdicts[some.indexOf(pending)] ?? NO_BYTES);
  };
  const mayGo = (pending: PendingCommit) =>
    isDurable(pending) || (pending.bytes.is === 'coming' && !pace.isSlow());
  if (!batch.every(mayGo)) return commitOnly(batch.filter(mayGo));
  if (batch.every(isPlain)) {
    try {
      return await (batch.every(isDurable) ? commitPlain(pool, batch) : commitBesideBytes(pool, batch));
    } catch (error) {
      if (error instanceof NoBytesYet && error.isLate) pace.noteLate();
      // Of one of them something is taken, wrong, too much or late: the long way tells which, and records the others.
      if (!wasRolledBack(error) && !(error instanceof NoBytesYet)) throw error;
    }
  }
  if (!batch.every(isDurable)) return commitOnly(batch.filter(isDurable));
  const verdicts = await runPrepared(pool, COMMIT, [JSON.stringify(batch.map(commitColumns))]);
  return verdicts.sort((a, b) => Number(a.ordinal) - Number(b.ordinal));
}

function isDurable({ bytes }: PendingCommit): boolean {
  return bytes.is === 'durable';
}

/** Writes the rows while the bytes become durable, and commits them after that: so the two waits overlap. */
function commitBesideBytes(pool: Pool, batch: readonly PendingCommit[]): Promise<readonly Verdict[]> {
  const work = async (client: ClientBase): Promise<readonly Verdict[]> => {
    const verdicts = await commitPlain(client, batch);
    await inTime(Promise.all(batch.map(({ upload }) => upload.bytes)));
    return verdicts;
  };
  return translated(inTransaction(pool, work, BEGIN));
}

/** @throws NoBytesYet when they are rejected, or take long. */
async function inTime(bytes: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((resolve) => {
    // A turn later: after a pause of this thread the timer comes before the syncs that have ended meanwhile.
    timer = setTimeout(() => setImmediate(resolve, 'late'), BYTES_WAIT_MS_MAX);
  });
  const stored = bytes.then(
    () => 'stored' as const,
    () => 'lost' as const,
  );
  const first = await Promise.race([stored, late]);
  clearTimeout(timer);
  if (first !== 'stored') throw new NoBytesYet(first === 'late');
}

/** Rolls the rows of a batch back whose bytes are not durable, or not soon. */
class NoBytesYet extends Error {
  override readonly name = 'NoBytesYet';
  readonly isLate: boolean;

  constructor(isLate: boolean) {
    super('Bytes of the batch are not durable.');
    this.isLate = isLate;
  }
}

const NO_BYTES: Verdict = { verdict: 'no_bytes', files_used: null, window_ends_at: null };

/** In the transaction of somebody else, which goes with it when nothing is recorded: so this one shares none. */
async function commitWithin(within: Within, pending: PendingCommit): Promise<Verdict> {
  await pending.upload.bytes;
  let answer: Verdict | undefined;
  try {
    return await within(async (client) => {
      [answer] = await runPrepared(client, COMMIT, [JSON.stringify([commitColumns(pending)])]);
      if (answer?.verdict !== 'recorded') throw new NothingRecorded();
      return answer;
    });
  } catch (error) {
    if (error instanceof NothingRecorded && answer !== undefined) return answer;
    throw error;
  }
}

/** Rolls a transaction back whose upload was not recorded. */
class NothingRecorded extends Error {
  override readonly name = 'NothingRecorded';
}

function commitColumns({ upload, nowMs }: PendingCommit): object {
  return {
    tenant_id: storableText(upload.owner.tenantId),
    user_id: storableText(upload.owner.userId),
    role: upload.role ?? null,
    at: new Date(nowMs).toISOString(),
    files_max: upload.limit.filesMax,
    window_seconds: upload.limit.windowSeconds,
    assets: upload.assets.map(assetColumns),
    entries: upload.entries.map(entryColumns),
    idempotency_key: upload.idempotency?.key ?? null,
    response: upload.idempotency?.response ?? null,
    upload_id: upload.reservation?.uploadId ?? null,
    claim: upload.reservation?.claim ?? null,
  };
}
