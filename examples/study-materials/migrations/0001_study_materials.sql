-- What a learner keeps. The bytes are Stowage's, by their key; a row goes with its asset, however that is removed.
create table study_materials (
  file_id    uuid primary key references public.assets (id) on delete cascade deferrable initially deferred,
  tenant_id  text not null,
  user_id    text not null,
  title      text not null check (length(title) between 1 and 200),
  s3_key     text not null unique,
  created_at timestamptz not null default now()
);

create index study_materials_owner on study_materials (tenant_id, user_id, created_at desc, file_id desc);
