create table images (
  id uuid primary key references public.assets (id) on delete cascade deferrable initially deferred,
  tenant_id text not null,
  owner text not null,
  title text not null,
  is_public boolean not null,
  added_at timestamptz not null default now()
);
create index images_newest on images (added_at desc);
