-- Records several finished uploads in one round trip and one transaction. Each is all or nothing for itself: a
-- conflict or a passed limit leaves nothing of that upload and does not touch the others.
--
-- batch: [{tenant_id, user_id, role, at, files_max, window_seconds, assets: [...], entries: [...],
--          idempotency_key, response}]; answers one row per upload, `ordinal` counted from 1.
-- verdict: recorded | rate_limited | conflict.
create function commit_uploads(batch jsonb)
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
           assets jsonb, entries jsonb, idempotency_key text, response jsonb)
    order by fields.tenant_id, fields.user_id, item.n
  loop
    ordinal := upload.n;
    verdict := 'recorded';
    added := jsonb_array_length(upload.assets);
    begin
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
      else
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
