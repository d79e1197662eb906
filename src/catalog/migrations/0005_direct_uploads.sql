-- Uploads straight to the store, from the reservation to the asset.

-- One row per upload. While it is open (reserved or completing) it counts against the owner's limits and its bytes below
-- `incoming/` are in use; when it has ended, what it told about the file is emptied.
create table direct_uploads (
  upload_id      uuid primary key,
  tenant_id      text not null,
  user_id        text not null,
  asset_type     text not null,
  filename       text not null,
  declared_type  text,
  size_bytes     bigint not null check (size_bytes > 0),
  sha256         bytea check (octet_length(sha256) = 32),
  fields         jsonb not null,
  metadata       jsonb not null,
  incoming_key   text not null unique,
  backend        text not null,
  store_upload_id text,         -- the store's name of a multi-part upload; null for a single request
  part_bytes     bigint,        -- size of its parts but the last
  state          text not null check (state in ('reserved', 'completing', 'done', 'refused', 'abandoned', 'expired')),
  reason         text,          -- the code of a refusal
  claim          uuid,          -- who completes it
  claimed_until  timestamptz(3),
  asset_id       uuid,          -- what it became
  window_end     timestamptz(3) not null,  -- the window of upload_counts that it was counted in
  created_at     timestamptz(3) not null,
  expires_at     timestamptz(3) not null
);

-- What is open, per owner and by age: few, always.
create index direct_uploads_open on direct_uploads (tenant_id, user_id) where state in ('reserved', 'completing');
create index direct_uploads_open_expiry on direct_uploads (expires_at) where state in ('reserved', 'completing');
create index direct_uploads_ended on direct_uploads (expires_at) where state not in ('reserved', 'completing');

-- Counts one file against the owner's limit and writes the row, or neither.
-- verdict: reserved | rate_limited | too_many_open.
create function reserve_upload(upload jsonb, files_max integer, window_seconds integer, open_max integer)
returns table (verdict text, files_used integer, window_ends_at timestamptz)
language plpgsql as $$
#variable_conflict use_column
declare
  given record;
begin
  select * into given from jsonb_to_record(upload) as fields(
    upload_id uuid, tenant_id text, user_id text, asset_type text, filename text, declared_type text, size_bytes bigint,
    sha256 text, fields jsonb, metadata jsonb, incoming_key text, backend text, part_bytes bigint, at timestamptz,
    expires_at timestamptz);

  -- One atomic statement, as in commit_uploads: it also lets the reservations of one owner wait for each other.
  insert into upload_counts as counted (tenant_id, user_id, window_start, window_end, files)
  select given.tenant_id, given.user_id, given.at, given.at + make_interval(secs => window_seconds), 1
  where files_max >= 1
  on conflict (tenant_id, user_id) do update set
    window_start = case when counted.window_end <= given.at then excluded.window_start else counted.window_start end,
    window_end = case when counted.window_end <= given.at then excluded.window_end else counted.window_end end,
    files = case when counted.window_end <= given.at then 1 else counted.files + 1 end
  where counted.window_end <= given.at or counted.files + 1 <= files_max
  returning counted.files, counted.window_end into files_used, window_ends_at;

  if not found then
    verdict := 'rate_limited';
    select files, window_end into files_used, window_ends_at
    from upload_counts
    where tenant_id = given.tenant_id and user_id = given.user_id and window_end > given.at;
  elsif (
    select count(*) from direct_uploads
    where tenant_id = given.tenant_id and user_id = given.user_id and state in ('reserved', 'completing')
      and expires_at > given.at
  ) >= open_max then
    verdict := 'too_many_open';
    files_used := files_used - 1;
    update upload_counts set files = files - 1 where tenant_id = given.tenant_id and user_id = given.user_id;
  else
    verdict := 'reserved';
    insert into direct_uploads (upload_id, tenant_id, user_id, asset_type, filename, declared_type, size_bytes, sha256,
                                fields, metadata, incoming_key, backend, part_bytes, state, window_end, created_at,
                                expires_at)
    values (given.upload_id, given.tenant_id, given.user_id, given.asset_type, given.filename, given.declared_type,
            given.size_bytes, decode(given.sha256, 'hex'), given.fields, given.metadata, given.incoming_key,
            given.backend, given.part_bytes, 'reserved', window_ends_at, given.at, given.expires_at);
  end if;
  return next;
end $$;

-- Ends an upload that its claim holds, and gives its place in the owner's window back. @returns whether it did.
create function end_upload(ended_id uuid, held_claim uuid, end_state text, end_reason text)
returns boolean
language plpgsql as $$
#variable_conflict use_column
declare
  ended record;
begin
  update direct_uploads
  set state = end_state, reason = end_reason, claim = null, claimed_until = null, filename = '', fields = '{}', metadata = '{}'
  where upload_id = ended_id and state = 'completing' and claim = held_claim
  returning tenant_id, user_id, window_end into ended;
  if not found then
    return false;
  end if;
  update upload_counts set files = files - 1
  where tenant_id = ended.tenant_id and user_id = ended.user_id and window_end = ended.window_end and files > 0;
  return true;
end $$;

-- Records several finished uploads in one round trip and one transaction. Each is all or nothing for itself: a
-- conflict or a passed limit leaves nothing of that upload and does not touch the others.
--
-- batch: [{tenant_id, user_id, role, at, files_max, window_seconds, assets: [...], entries: [...],
--          idempotency_key, response, upload_id, claim}]; answers one row per upload, `ordinal` counted from 1.
-- An upload with an `upload_id` was counted when it was reserved: it ends that row instead of counting again.
-- verdict: recorded | rate_limited | conflict.
create or replace function commit_uploads(batch jsonb)
returns table (ordinal bigint, verdict text, files_used integer, window_ends_at timestamptz)
language plpgsql as $$
#variable_conflict use_column
declare
  upload record;
  added integer;
begin
  -- Always in the same order of owners, so that two batches never wait for each other's rows.
  for upload in
    select item.n, fields.*
    from jsonb_array_elements(batch) with ordinality as item(value, n),
         jsonb_to_record(item.value) as fields(
           tenant_id text, user_id text, role text, at timestamptz, files_max integer, window_seconds integer,
           assets jsonb, entries jsonb, idempotency_key text, response jsonb, upload_id uuid, claim uuid)
    order by fields.tenant_id, fields.user_id, item.n
  loop
    ordinal := upload.n;
    verdict := 'recorded';
    added := jsonb_array_length(upload.assets);
    begin
      if upload.upload_id is not null then
        update direct_uploads
        set state = 'done', asset_id = (upload.assets -> 0 ->> 'id')::uuid, claim = null, claimed_until = null,
            filename = '', fields = '{}', metadata = '{}'
        where upload_id = upload.upload_id and state = 'completing' and claim = upload.claim;
        -- Another has taken the claim over, or the upload has ended.
        if not found then
          raise unique_violation;
        end if;
        select files, window_end into files_used, window_ends_at
        from upload_counts
        where tenant_id = upload.tenant_id and user_id = upload.user_id and window_end > upload.at;
      else
        -- Counting is one atomic statement: of many at once exactly as many pass as the limit leaves.
        insert into upload_counts as counted (tenant_id, user_id, window_start, window_end, files)
        select upload.tenant_id, upload.user_id, upload.at,
               upload.at + make_interval(secs => upload.window_seconds), added
        where added <= upload.files_max
        on conflict (tenant_id, user_id) do update set
          window_start = case when counted.window_end <= upload.at then excluded.window_start else counted.window_start end,
          window_end = case when counted.window_end <= upload.at then excluded.window_end else counted.window_end end,
          files = case when counted.window_end <= upload.at then excluded.files else counted.files + excluded.files end
        where counted.window_end <= upload.at or counted.files + excluded.files <= upload.files_max
        returning counted.files, counted.window_end into files_used, window_ends_at;

        if not found then
          verdict := 'rate_limited';
          select files, window_end into files_used, window_ends_at
          from upload_counts
          where tenant_id = upload.tenant_id and user_id = upload.user_id and window_end > upload.at;
        end if;
      end if;

      if verdict = 'recorded' then
        if upload.idempotency_key is not null then
          update idempotency_keys set state = 'done', response = upload.response
          where tenant_id = upload.tenant_id and user_id = upload.user_id and key = upload.idempotency_key
            and state = 'running';
          -- The claim had grown old and another request took it and finished first.
          if not found and exists (
            select from idempotency_keys
            where tenant_id = upload.tenant_id and user_id = upload.user_id and key = upload.idempotency_key
          ) then
            raise unique_violation;
          end if;
        end if;

        -- Written only when it tells something new, to the minute: an upload should not cost a row version here.
        if not exists (
          select from users
          where tenant_id = upload.tenant_id and user_id = upload.user_id
            and last_seen_at > upload.at - interval '1 minute'
            and (upload.role is null or role = upload.role)
        ) then
          insert into users as known (tenant_id, user_id, role, first_seen_at, last_seen_at)
          values (upload.tenant_id, upload.user_id, upload.role, upload.at, upload.at)
          on conflict (tenant_id, user_id) do update set
            role = coalesce(excluded.role, known.role),
            last_seen_at = greatest(known.last_seen_at, excluded.last_seen_at);
        end if;

        insert into assets (id, tenant_id, user_id, s3_key, original_filename, file_size, mime_type, asset_type,
                            metadata, content_hash, backend, created_at, updated_at)
        select id, tenant_id, user_id, s3_key, original_filename, file_size, mime_type, asset_type,
               metadata, content_hash, backend, created_at, created_at
        from jsonb_to_recordset(upload.assets) as asset(
          id uuid, tenant_id text, user_id text, s3_key text, original_filename text, file_size bigint,
          mime_type text, asset_type text, metadata jsonb, content_hash text, backend text, created_at timestamptz);

        insert into file_access_logs (at, action, outcome, reason, tenant_id, user_id, asset_id, asset_type, s3_key,
                                      ip_address, user_agent, storage_backend, request_id)
        select at, action, outcome, reason, tenant_id, user_id, asset_id, asset_type, s3_key,
               ip_address, user_agent, storage_backend, request_id
        from jsonb_to_recordset(upload.entries) as entry(
          at timestamptz, action text, outcome text, reason text, tenant_id text, user_id text, asset_id uuid,
          asset_type text, s3_key text, ip_address text, user_agent text, storage_backend text, request_id text);
      end if;
    exception when unique_violation then
      verdict := 'conflict';
    end;
    return next;
  end loop;
end $$;
