-- The short way of commit_uploads, for a batch of uploads that nothing stands against: no Idempotency-Key, no
-- reservation, and room in every owner's window. One statement per table instead of several per upload. All or nothing:
-- when it fails nothing stays, and the batch goes to commit_uploads, which tells the uploads apart.
--
-- owners:  [{tenant_id, user_id, role, at, files}], each once; files: how many this batch adds.
-- assets, entries: rows of all uploads.
-- Answers each owner's count after the batch and when the window ends.
create function commit_plain_uploads(
  owners jsonb, files_max integer, window_seconds integer, new_assets jsonb, new_entries jsonb)
returns table (tenant_id text, user_id text, files_used integer, window_ends_at timestamptz)
language plpgsql as $$
#variable_conflict use_column
declare
  counted_owners integer;
begin
  -- Always in the same order of owners, so that two batches never wait for each other's rows.
  return query
  insert into upload_counts as counted (tenant_id, user_id, window_start, window_end, files)
  select owner.tenant_id, owner.user_id, owner.at,
         owner.at + make_interval(secs => commit_plain_uploads.window_seconds), owner.files
  from jsonb_to_recordset(owners) as owner(tenant_id text, user_id text, at timestamptz, files integer)
  where owner.files <= commit_plain_uploads.files_max
  order by owner.tenant_id, owner.user_id
  on conflict (tenant_id, user_id) do update set
    window_start = case when counted.window_end <= excluded.window_start then excluded.window_start else counted.window_start end,
    window_end = case when counted.window_end <= excluded.window_start then excluded.window_end else counted.window_end end,
    files = case when counted.window_end <= excluded.window_start then excluded.files else counted.files + excluded.files end
  where counted.window_end <= excluded.window_start
     or counted.files + excluded.files <= commit_plain_uploads.files_max
  returning counted.tenant_id, counted.user_id, counted.files, counted.window_end;
  get diagnostics counted_owners = row_count;
  if counted_owners <> jsonb_array_length(owners) then
    raise exception 'An owner of this batch has no room for all of its files.' using errcode = 'SW001';
  end if;

  -- Written only when it tells something new, to the minute: an upload should not cost a row version here.
  insert into users as known (tenant_id, user_id, role, first_seen_at, last_seen_at)
  select owner.tenant_id, owner.user_id, owner.role, owner.at, owner.at
  from jsonb_to_recordset(owners) as owner(tenant_id text, user_id text, role text, at timestamptz)
  where not exists (
    select from users as seen
    where seen.tenant_id = owner.tenant_id and seen.user_id = owner.user_id
      and seen.last_seen_at > owner.at - interval '1 minute'
      and (owner.role is null or seen.role = owner.role))
  order by owner.tenant_id, owner.user_id
  on conflict (tenant_id, user_id) do update set
    role = coalesce(excluded.role, known.role),
    last_seen_at = greatest(known.last_seen_at, excluded.last_seen_at);

  insert into assets (id, tenant_id, user_id, s3_key, original_filename, file_size, mime_type, asset_type,
                      metadata, content_hash, backend, created_at, updated_at)
  select id, tenant_id, user_id, s3_key, original_filename, file_size, mime_type, asset_type,
         metadata, content_hash, backend, created_at, created_at
  from jsonb_to_recordset(new_assets) as asset(
    id uuid, tenant_id text, user_id text, s3_key text, original_filename text, file_size bigint,
    mime_type text, asset_type text, metadata jsonb, content_hash text, backend text, created_at timestamptz);

  insert into file_access_logs (at, action, outcome, reason, tenant_id, user_id, asset_id, asset_type, s3_key,
                                ip_address, user_agent, storage_backend, request_id)
  select at, action, outcome, reason, tenant_id, user_id, asset_id, asset_type, s3_key,
         ip_address, user_agent, storage_backend, request_id
  from jsonb_to_recordset(new_entries) as entry(
    at timestamptz, action text, outcome text, reason text, tenant_id text, user_id text, asset_id uuid,
    asset_type text, s3_key text, ip_address text, user_agent text, storage_backend text, request_id text);
end $$;
