-- Which files belong to a brand or a project is in Stowage's links; these say what there is, and whose.
create table brands (
  id         uuid primary key default gen_random_uuid(),
  tenant_id  text not null,
  user_id    text not null,
  name       text not null check (length(name) between 1 and 200),
  created_at timestamptz not null default now()
);
create index brands_owner on brands (tenant_id, user_id, created_at desc);

-- A project begins with its first video.
create table projects (
  tenant_id text not null,
  id        text not null,
  user_id   text not null,
  primary key (tenant_id, id)
);
