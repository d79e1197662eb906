import type { ColumnType, Generated, GeneratedAlways, JSONColumnType } from 'kysely';

/**
 * The tables as Kysely sees them. The SQL files in `migrations/` are the truth; `schema.test.ts` compares the two with
 * the help of the database. A column of type `ColumnType<…, …, never>` is never updated.
 */
export interface Schema {
  users: {
    tenant_id: string;
    user_id: string;
    role: 'user' | 'admin' | null;
    first_seen_at: Date;
    last_seen_at: Date;
  };
  assets: AssetsTable;
  file_access_logs: AccessLogTable;
  access_log_seals: {
    seal_id: Fixed<string>;
    entry_ids: Fixed<string[]>;
    entry_hashes: Fixed<Buffer>;
    previous_hash: Fixed<Buffer>;
    seal_hash: Fixed<Buffer>;
    sealed_at: Fixed<Date>;
  };
  upload_counts: {
    tenant_id: string;
    user_id: string;
    window_start: Date;
    window_end: Date;
    files: number;
  };
  idempotency_keys: {
    tenant_id: string;
    user_id: string;
    key: string;
    fingerprint: string;
    state: 'running' | 'done';
    response: JSONColumnType<object, string | null, string | null> | null;
    claimed_at: Date;
    expires_at: Date;
  };
  direct_uploads: {
    upload_id: string;
    tenant_id: string;
    user_id: string;
    asset_type: string;
    filename: string;
    declared_type: string | null;
    size_bytes: string;
    sha256: Buffer | null;
    fields: unknown;
    metadata: unknown;
    incoming_key: string;
    backend: string;
    store_upload_id: string | null;
    part_bytes: string | null;
    state: 'reserved' | 'completing' | 'done' | 'refused' | 'abandoned' | 'expired';
    reason: string | null;
    claim: string | null;
    claimed_until: Date | null;
    asset_id: string | null;
    window_end: Date;
    created_at: Date;
    expires_at: Date;
  };
  asset_links: {
    tenant_id: string;
    record_type: string;
    record_id: string;
    role: string;
    asset_id: string;
    position: number | null;
    linked_at: Date;
  };
  cdn_caches: {
    url: string;
    noted_at: Date;
  };
  cdn_purges: {
    s3_key: string;
    asset_id: string;
    generation: Generated<number>;
    requested_at: Date;
    due_at: Date;
    attempts: Generated<number>;
    problem: string | null;
    purged_at: Date | null;
    receipt: string | null;
  };
  erasures: {
    tenant_id: string;
    user_id: string;
    requested_by: string;
    request_id: string;
    ip_address: string;
    user_agent: string | null;
    requested_at: Date;
    due_at: Date;
    attempts: Generated<number>;
    claim: string | null;
  };
  catalog_identity: {
    only_row: Generated<boolean>;
    catalog_id: string;
  };
  schema_migrations: {
    name: string;
    sha256: string;
    applied_at: Generated<Date>;
  };
}

export interface AssetsTable {
  id: string;
  tenant_id: string;
  user_id: string;
  s3_key: string;
  original_filename: string;
  /** bigint: the driver gives text. */
  file_size: string;
  mime_type: string;
  asset_type: string;
  metadata: Generated<unknown>;
  content_hash: string;
  state: Generated<'stored' | 'deleted'>;
  backend: string;
  created_at: Date;
  updated_at: Date;
  copies: string[] | null;
  copy_claim: string | null;
  releasing: string | null;
  release_claim: string | null;
  release_until: Date | null;
  moved_at: Date | null;
}

export interface AccessLogTable {
  entry_id: GeneratedAlways<string>;
  at: Fixed<Date>;
  action: Fixed<string>;
  outcome: Fixed<string>;
  reason: Fixed<string | null>;
  tenant_id: Fixed<string>;
  user_id: Fixed<string | null>;
  asset_id: Fixed<string | null>;
  asset_type: Fixed<string | null>;
  s3_key: Fixed<string | null>;
  ip_address: Fixed<string>;
  user_agent: Fixed<string | null>;
  storage_backend: Fixed<string>;
  request_id: Fixed<string>;
}

/** A column that is written once. */
type Fixed<Type> = ColumnType<Type, Type, never>;
