import type { Pool } from 'pg';
import { ownerName } from '../core/principal.ts';
import { entryColumns } from './access-log.ts';
import type { Owner, UploadCommit } from './catalog.ts';
import { assetColumns, type PendingCommit, type Verdict } from './commit-rows.ts';
import { type PreparedStatement, runPrepared } from './database.ts';
import { storableText } from './text.ts';

interface OwnerCount {
  readonly tenant_id: string;
  readonly user_id: string;
  readonly files_used: number;
  readonly window_ends_at: Date;
}

const COMMIT_PLAIN: PreparedStatement<OwnerCount> = {
  name: 'commit_plain_uploads',
  text: `select tenant_id, user_id, files_used, window_ends_at
    from commit_plain_uploads($1::jsonb, $2, $3, $4::jsonb, $5::jsonb)`,
};

interface OwnerShare {
  readonly tenant_id: string;
  readonly user_id: string;
  role: string | null;
  at: string;
  files: number;
}

/** Whether an upload can go the short way: nothing but its assets, entries and count is to be written. */
export function isPlain({ upload }: PendingCommit, _index: number, batch: readonly PendingCommit[]): boolean {
  const { limit } = batch[0]?.upload ?? upload;
  return (
    upload.idempotency === null &&
    upload.reservation === undefined &&
    upload.limit.filesMax === limit.filesMax &&
    upload.limit.windowSeconds === limit.windowSeconds
  );
}

/**
 * Records a batch with one statement per table, or nothing of it.
 *
 * @param batch at least one upload, all {@link isPlain}.
 * @throws what the server says when one of them can't be recorded: then nothing of the batch is.
 */
export async function commitPlain(pool: Pool, batch: readonly PendingCommit[]): Promise<readonly Verdict[]> {
  const [first] = batch;
  if (first === undefined) return [];
  const { filesMax, windowSeconds } = first.upload.limit;
  const counts = await runPrepared(pool, COMMIT_PLAIN, [
    JSON.stringify([...ownerShares(batch).values()]),
    filesMax,
    windowSeconds,
    JSON.stringify(batch.flatMap(({ upload }) => upload.assets.map(assetColumns))),
    JSON.stringify(batch.flatMap(({ upload }) => upload.entries.map(entryColumns))),
  ]);
  const countOf = new Map(
    counts.map((count) => [ownerName({ tenantId: count.tenant_id, userId: count.user_id }), count]),
  );
  // The counts stand as after the last upload: from there each is told what it left to those before it.
  const verdicts = batch.toReversed().map(({ upload }): Verdict => {
    const name = ownerName(storedOwner(upload));
    const count = countOf.get(name);
    if (count === undefined) return { verdict: 'recorded', files_used: null, window_ends_at: null };
    countOf.set(name, { ...count, files_used: count.files_used - upload.assets.length });
    return { verdict: 'recorded', files_used: count.files_used, window_ends_at: count.window_ends_at };
  });
  return verdicts.reverse();
}

/** What each owner adds, so that no row is touched twice. */
function ownerShares(batch: readonly PendingCommit[]): Map<string, OwnerShare> {
  const shares = new Map<string, OwnerShare>();
  for (const { upload, nowMs } of batch) {
    const owner = storedOwner(upload);
    const name = ownerName(owner);
    const at = new Date(nowMs).toISOString();
    const share = shares.get(name);
    if (share === undefined) {
      const files = upload.assets.length;
      shares.set(name, {
        tenant_id: owner.tenantId,
        user_id: owner.userId,
        role: upload.role ?? null,
        at,
        files,
      });
      continue;
    }
    share.files += upload.assets.length;
    share.role = upload.role ?? share.role;
    if (at > share.at) share.at = at;
  }
  return shares;
}

/** The owner as the rows have them. */
function storedOwner({ owner }: UploadCommit): Owner {
  return { tenantId: storableText(owner.tenantId), userId: storableText(owner.userId) };
}
