import type { Pool } from 'pg';
import type { Clock } from '../core/clock.ts';
import { StowageError } from '../core/errors.ts';
import { entryColumns } from './access-log.ts';
import { Batcher } from './batch.ts';
import type { CommitOutcome, Owner, UploadAllowance, UploadCommit, UploadLimit } from './catalog.ts';
import { commitPlain, isPlain } from './commit-plain.ts';
import { assetColumns, type PendingCommit, type Verdict } from './commit-rows.ts';
import { type Database, type PreparedStatement, runPrepared } from './database.ts';
import { wasRolledBack } from './errors.ts';
import { assertStorableJson, storableText } from './text.ts';
import type { Within } from './transaction.ts';

const UPLOADS_PER_BATCH_MAX = 64;
const BATCHES_IN_FLIGHT_MAX = 2;
const PATIENCE_MS = 10;
const UPLOADS_WAITING_MAX = 5_000;

const COMMIT: PreparedStatement<Verdict & { ordinal: string }> = {
  name: 'commit_uploads',
  text: 'select ordinal, verdict, files_used, window_ends_at from commit_uploads($1::jsonb)',
};

const ALLOWANCE: PreparedStatement<{ files: number; window_end: Date }> = {
  name: 'upload_allowance',
  text: 'select files, window_end from upload_counts where tenant_id = $1 and user_id = $2 and window_end > $3',
};

/** Records finished uploads, those that arrive together in one transaction. */
export function uploadCommitter({ pool }: Database, clock: Clock) {
  const commits = new Batcher<PendingCommit, Verdict>({
    itemsMax: UPLOADS_PER_BATCH_MAX,
    batchesInFlightMax: BATCHES_IN_FLIGHT_MAX,
    patienceMs: PATIENCE_MS,
    waitingMax: UPLOADS_WAITING_MAX,
    run: (batch) => commitBatch(pool, batch),
  });
  return async (upload: UploadCommit, within?: Within): Promise<CommitOutcome> => {
    assertCommittable(upload);
    const nowMs = clock.now();
    const pending = { upload, nowMs };
    const verdict = await (within === undefined ? commits.add(pending) : commitWithin(within, pending));
    const { verdict: outcome, files_used, window_ends_at } = verdict;
    if (outcome === 'conflict') throw new StowageError('conflict', 'The upload is already recorded.');
    return { outcome, allowance: allowanceOf(upload.limit, nowMs, files_used ?? 0, window_ends_at) };
  };
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
async function commitBatch(pool: Pool, batch: readonly PendingCommit[]): Promise<readonly Verdict[]> {
  if (batch.every(isPlain)) {
    try {
      return await commitPlain(pool, batch);
    } catch (error) {
      // Of one of them something is taken, wrong or too much: the long way tells which, and records the others.
      if (!wasRolledBack(error)) throw error;
    }
  }
  const verdicts = await runPrepared(pool, COMMIT, [JSON.stringify(batch.map(commitColumns))]);
  return verdicts.sort((a, b) => Number(a.ordinal) - Number(b.ordinal));
}

/** In the transaction of somebody else, which goes with it when nothing is recorded: so this one shares none. */
async function commitWithin(within: Within, pending: PendingCommit): Promise<Verdict> {
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
