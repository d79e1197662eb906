import type { Selectable } from 'kysely';
import { sql } from 'kysely';
import type { BackendName } from '../core/backend-name.ts';
import { isUuid } from '../core/ids.ts';
import type { ObjectKey } from '../core/key.ts';
import { allowanceOf } from './commit-upload.ts';
import { type Database, type PreparedStatement, prepareStatement, runPrepared } from './database.ts';
import { translated } from './errors.ts';
import type { Schema } from './schema.ts';
import { assertStorableJson, storableText, storableTextOrNull } from './text.ts';
import type {
  DirectUpload,
  ReserveOutcome,
  UploadReservation,
  UploadsInProgress,
} from './uploads-in-progress.ts';

interface Reserved {
  verdict: ReserveOutcome['outcome'];
  files_used: number | null;
  window_ends_at: Date | null;
}

const COLUMNS = [
  'upload_id',
  'tenant_id',
  'user_id',
  'asset_type',
  'filename',
  'declared_type',
  'size_bytes',
  'sha256',
  'fields',
  'metadata',
  'incoming_key',
  'backend',
  'store_upload_id',
  'part_bytes',
  'state',
  'reason',
  'asset_id',
  'created_at',
  'expires_at',
] as const;

const RESERVE: PreparedStatement<Reserved> = {
  name: 'reserve_upload',
  text: 'select verdict, files_used, window_ends_at from reserve_upload($1::jsonb, $2, $3, $4)',
};
const END: PreparedStatement<{ ended: boolean }> = {
  name: 'end_upload',
  text: 'select end_upload($1, $2, $3, $4) as ended',
};
const CLAIM: PreparedStatement<{ upload_id: string }> = {
  name: 'claim_upload',
  text: `
    update direct_uploads set state = 'completing', claim = $2, claimed_until = $4
    where upload_id = $1 and (state = 'reserved' or (state = 'completing' and claimed_until <= $3))
      and (expires_at <= $3) = $5
    returning upload_id`,
};

/** Written out, not bound: so that the indexes of open uploads fit. */
const IS_OPEN = sql<boolean>`state in ('reserved', 'completing')`;

/** Keeps the table `direct_uploads`. */
export function directUploads(database: Database): UploadsInProgress {
  const { pool, queries } = database;
  const rows = () => queries.selectFrom('direct_uploads').select(COLUMNS);
  const find = prepareStatement(
    'find_upload',
    rows().where('upload_id', '=', '').where('tenant_id', '=', ''),
  );
  const findOpen = prepareStatement(
    'find_open_upload',
    queries
      .selectFrom('direct_uploads')
      .select('upload_id')
      .where('incoming_key', '=', '')
      .where('state', '=', 'reserved')
      .where('expires_at', '>', new Date(0)),
  );
  return {
    async reserveUpload(upload, { limit, openMax }) {
      assertStorableJson([upload.filename, upload.fields], 'filename');
      assertStorableJson(upload.metadata, 'metadata');
      const values = [
        JSON.stringify(reservationColumns(upload)),
        limit.filesMax,
        limit.windowSeconds,
        openMax,
      ];
      const [row] = await runPrepared(pool, RESERVE, values);
      if (row === undefined) throw new Error('A reservation had no answer.');
      const allowance = allowanceOf(limit, upload.createdAtMs, row.files_used ?? 0, row.window_ends_at);
      return { outcome: row.verdict, allowance };
    },

    async noteStoreUpload(uploadId, storeUploadId) {
      await translated(
        queries
          .updateTable('direct_uploads')
          .set({ store_upload_id: storeUploadId })
          .where('upload_id', '=', uploadId)
          .execute(),
      );
    },

    async findUpload(tenantId, uploadId) {
      if (!isUuid(uploadId)) return undefined;
      const [row] = await runPrepared(pool, find, [uploadId, tenantId]);
      return row === undefined ? undefined : uploadOf(row);
    },

    async isUploadOpen(incomingKey, nowMs) {
      const values = [incomingKey, 'reserved', new Date(nowMs)];
      return (await runPrepared(pool, findOpen, values)).length > 0;
    },

    async claimUpload(uploadId, { claim, nowMs, untilMs, expired }) {
      const values = [uploadId, claim, new Date(nowMs), new Date(untilMs), expired];
      return (await runPrepared(pool, CLAIM, values)).length > 0;
    },

    async releaseUpload({ uploadId, claim }) {
      await translated(
        queries
          .updateTable('direct_uploads')
          .set({ state: 'reserved', claim: null, claimed_until: null })
          .where('upload_id', '=', uploadId)
          .where('state', '=', 'completing')
          .where('claim', '=', claim)
          .execute(),
      );
    },

    async endUpload({ uploadId, claim }, state, reason) {
      const [row] = await runPrepared(pool, END, [uploadId, claim, state, reason]);
      return row?.ended === true;
    },

    async listExpiredUploads({ backend, nowMs, after, limit }) {
      const now = new Date(nowMs);
      const found = await translated(
        rows()
          .where(IS_OPEN)
          .where('expires_at', '<=', now)
          .where('backend', '=', backend)
          .$if(after !== null, (later) =>
            later.where(
              sql<boolean>`(expires_at, upload_id) > (${new Date(after?.expiresAtMs ?? 0)}::timestamptz, ${after?.uploadId}::uuid)`,
            ),
          )
          .where((eb) => eb.or([eb('claimed_until', 'is', null), eb('claimed_until', '<=', now)]))
          .orderBy('expires_at')
          .orderBy('upload_id')
          .limit(limit)
          .execute(),
      );
      return found.map(uploadOf);
    },
  };
}

/** Of these keys, those that an open upload writes to. */
export async function incomingKeysInUse(
  { queries }: Database,
  keys: readonly ObjectKey[],
): Promise<readonly string[]> {
  const rows = await translated(
    queries
      .selectFrom('direct_uploads')
      .select('incoming_key')
      .where('incoming_key', '=', sql<string>`any(${[...keys]}::text[])`)
      .where(IS_OPEN)
      .execute(),
  );
  return rows.map((row) => row.incoming_key);
}

/** How long the end of an upload is remembered after its expiry, in milliseconds: for clients that ask again. */
const ENDED_KEPT_MS = 86_400_000;

/** Removes what is left of uploads that ended long ago. */
export async function forgetEndedUploads({ queries }: Database, nowMs: number): Promise<void> {
  await translated(
    queries
      .deleteFrom('direct_uploads')
      .where('expires_at', '<=', new Date(nowMs - ENDED_KEPT_MS))
      .where(sql<boolean>`state not in ('reserved', 'completing')`)
      .execute(),
  );
}

function reservationColumns(upload: UploadReservation): object {
  return {
    upload_id: upload.uploadId,
    tenant_id: storableText(upload.tenantId),
    user_id: storableText(upload.userId),
    asset_type: upload.assetType,
    filename: upload.filename,
    declared_type: storableTextOrNull(upload.declaredType),
    size_bytes: upload.sizeBytes,
    sha256: upload.sha256?.toString('hex') ?? null,
    fields: upload.fields,
    metadata: upload.metadata,
    incoming_key: upload.incomingKey,
    backend: upload.backend,
    part_bytes: upload.partBytes,
    at: new Date(upload.createdAtMs).toISOString(),
    expires_at: new Date(upload.expiresAtMs).toISOString(),
  };
}

function uploadOf(row: Pick<Selectable<Schema['direct_uploads']>, (typeof COLUMNS)[number]>): DirectUpload {
  return {
    uploadId: row.upload_id,
    tenantId: row.tenant_id,
    userId: row.user_id,
    assetType: row.asset_type,
    filename: row.filename,
    declaredType: row.declared_type,
    sizeBytes: Number(row.size_bytes),
    sha256: row.sha256,
    fields: row.fields as Readonly<Record<string, string>>,
    metadata: row.metadata as Readonly<Record<string, unknown>>,
    // Made by us and checked before it was written.
    incomingKey: row.incoming_key as ObjectKey,
    backend: row.backend as BackendName,
    partBytes: row.part_bytes === null ? null : Number(row.part_bytes),
    createdAtMs: row.created_at.getTime(),
    expiresAtMs: row.expires_at.getTime(),
    state: row.state,
    storeUploadId: row.store_upload_id,
    reason: row.reason,
    assetId: row.asset_id,
  };
}
