-- Who did what to which asset. Rows are only ever added; seals chain them (docs/reference/audit-log.md).

create table file_access_logs (
  entry_id        bigint generated always as identity primary key,
  at              timestamptz(3) not null,
  action          text not null check (action in ('upload', 'download', 'generate_url', 'delete')),
  outcome         text not null check (outcome in ('ok', 'refused')),
  reason          text,
  tenant_id       text not null,
  user_id         text,
  asset_id        uuid,
  asset_type      text,
  s3_key          text,
  ip_address      text not null,
  user_agent      text,
  storage_backend text not null,
  request_id      text not null
);

create index file_access_logs_user on file_access_logs (tenant_id, user_id, at desc, entry_id desc);
create index file_access_logs_time on file_access_logs (tenant_id, at desc, entry_id desc);
create index file_access_logs_asset on file_access_logs (asset_id, at desc, entry_id desc) where asset_id is not null;

create table access_log_seals (
  seal_id       bigint primary key check (seal_id >= 1),
  entry_ids     bigint[] not null check (cardinality(entry_ids) between 1 and 1000),
  entry_hashes  bytea not null check (octet_length(entry_hashes) = 32 * cardinality(entry_ids)),
  previous_hash bytea not null check (octet_length(previous_hash) = 32),
  seal_hash     bytea not null check (octet_length(seal_hash) = 32),
  sealed_at     timestamptz(3) not null
);

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only: % is refused', tg_table_name, lower(tg_op)
    using errcode = 'restrict_violation', hint = 'Entries of the access log can be neither changed nor removed.';
end $$;

create trigger append_only before update or delete or truncate on file_access_logs
  for each statement execute function refuse_change();
create trigger append_only before update or delete or truncate on access_log_seals
  for each statement execute function refuse_change();

-- A transaction has its number before it takes an entry_id. So when every transaction that was running while the
-- sequence stood at N has ended, the entries up to N are final, and can be sealed (src/catalog/seal.ts).
create function number_transaction() returns trigger language plpgsql as $$
begin
  perform pg_current_xact_id();
  return null;
end $$;

create trigger number_transaction before insert on file_access_logs
  for each statement execute function number_transaction();
