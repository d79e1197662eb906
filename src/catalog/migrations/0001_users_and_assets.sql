-- The people who upload, and the record of each stored file.

create table users (
  tenant_id     text not null,
  user_id       text not null,
  role          text check (role in ('user', 'admin')),  -- null until a token told us
  first_seen_at timestamptz(3) not null,
  last_seen_at  timestamptz(3) not null,
  primary key (tenant_id, user_id)
);

create table assets (
  id                uuid primary key,
  tenant_id         text not null,
  user_id           text not null,
  s3_key            text not null unique,
  original_filename varchar(255) not null,
  file_size         bigint not null check (file_size >= 0),
  mime_type         text not null,
  asset_type        text not null,
  metadata          jsonb not null default '{}',
  content_hash      text not null,
  state             text not null default 'stored' check (state in ('stored', 'deleted')),
  backend           text not null,
  created_at        timestamptz(3) not null,
  updated_at        timestamptz(3) not null
);

-- A page of somebody's assets, newest first, with or without a type: the index holds the order and the cursor.
create index assets_owner on assets (tenant_id, user_id, created_at desc, id desc);
create index assets_owner_type on assets (tenant_id, user_id, asset_type, created_at desc, id desc);
-- Assets of a type by age, for retention.
create index assets_type on assets (asset_type, created_at desc, id desc);
-- Deletes that are not finished: few, always.
create index assets_tombstones on assets (updated_at, id) where state = 'deleted';
