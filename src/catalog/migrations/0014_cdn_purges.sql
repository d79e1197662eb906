-- What a cache in front of the assets must forget. Recorded by the database itself, in the transaction of the delete:
-- no way to remove an asset can miss it, and no crash loses it.

-- The caches that serve our assets. While there is none, deletes leave nothing here.
create table cdn_caches (
  url        text primary key,
  noted_at   timestamptz(3) not null
);

create table cdn_purges (
  s3_key       text primary key,
  asset_id     uuid not null,
  generation   integer not null default 1,  -- grows when it is asked for again: an older purge does not count then
  requested_at timestamptz(3) not null,
  due_at       timestamptz(3) not null,     -- of the next attempt
  attempts     integer not null default 0,
  problem      text,                        -- of the last attempt
  purged_at    timestamptz(3),
  receipt      text                         -- what the CDN calls the purge
);

create index cdn_purges_due on cdn_purges (due_at) where purged_at is null;
create index cdn_purges_done on cdn_purges (purged_at) where purged_at is not null;

-- Asked for twice: when nobody may see the asset any more, and when its bytes are gone, for a cache that fetches from the
-- bucket could have got them again in between. The first waits a moment, so that most often the second takes its place.
create function request_purge() returns trigger language plpgsql as $$
begin
  if exists (select from cdn_caches) then
    insert into cdn_purges (s3_key, asset_id, requested_at, due_at)
    values (old.s3_key, old.id, now(), now() + case tg_op when 'UPDATE' then interval '2 seconds' else interval '0' end)
    on conflict (s3_key) do update set
      asset_id = excluded.asset_id, generation = cdn_purges.generation + 1, requested_at = excluded.requested_at,
      due_at = excluded.due_at, attempts = 0, problem = null, purged_at = null, receipt = null;
  end if;
  return null;
end $$;

create trigger request_purge_of_tombstone after update of state on assets
  for each row when (old.state = 'stored' and new.state = 'deleted') execute function request_purge();
create trigger request_purge_of_bytes after delete on assets
  for each row execute function request_purge();
