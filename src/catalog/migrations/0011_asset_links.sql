-- Which records of an application an asset belongs to, and deletes that respect it.

create table asset_links (
  tenant_id   text not null,
  record_type text not null,
  record_id   text not null,
  role        text not null,        -- what the asset is to the record; '' when the application makes no difference
  asset_id    uuid not null references assets (id) on delete cascade deferrable initially deferred,
  position    integer,
  linked_at   timestamptz(3) not null,
  primary key (tenant_id, record_type, record_id, role, asset_id)
);

create index asset_links_asset on asset_links (asset_id);

-- Turns a stored asset into a tombstone and writes the entry. Answers the asset as it was, or no row when there is none.
-- The row is locked before its links are looked at, and a link locks the row before it is written: none slips between.
create function tombstone_asset(target_id uuid, target_tenant text, log_entry jsonb, cut_links boolean)
returns setof assets
language plpgsql as $$
#variable_conflict use_column
declare
  target assets;
  link record;
begin
  select * into target from assets
  where id = target_id and tenant_id = target_tenant and state = 'stored'
  for update;
  if not found then
    return;
  end if;
  if cut_links then
    delete from asset_links where asset_id = target_id;
  else
    select record_type, record_id into link from asset_links where asset_id = target_id limit 1;
    if found then
      raise exception 'linked to % %', link.record_type, link.record_id using errcode = 'restrict_violation';
    end if;
  end if;
  update assets set state = 'deleted', updated_at = (log_entry ->> 'at')::timestamptz where id = target_id;
  insert into file_access_logs (at, action, outcome, reason, tenant_id, user_id, asset_id, asset_type, s3_key,
                                ip_address, user_agent, storage_backend, request_id)
  select at, action, outcome, reason, tenant_id, user_id, asset_id, asset_type, s3_key,
         ip_address, user_agent, storage_backend, request_id
  from jsonb_to_record(log_entry) as entry(
    at timestamptz, action text, outcome text, reason text, tenant_id text, user_id text, asset_id uuid,
    asset_type text, s3_key text, ip_address text, user_agent text, storage_backend text, request_id text);
  return next target;
end $$;
