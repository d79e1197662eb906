-- Companies that keep their books here, and who may log in for them.
create table tenants (
  tenant_id  uuid primary key,
  name       text not null check (length(name) between 1 and 200),
  created_at timestamptz not null default now()
);

create table users (
  user_id       uuid primary key,
  tenant_id     uuid not null references tenants on delete cascade,
  email         text not null unique,
  password_hash text not null,
  role          text not null check (role in ('user', 'admin')),
  created_at    timestamptz not null default now()
);

-- One login. Its refresh tokens follow one another; when an old one comes again, all of them end.
create table logins (
  login_id   uuid primary key,
  user_id    uuid not null references users on delete cascade,
  expires_at timestamptz not null,
  revoked_at timestamptz
);
create index logins_user on logins (user_id);

-- Hashes only: who reads this table can log in as nobody.
create table refresh_tokens (
  token_hash bytea primary key,
  login_id   uuid not null references logins on delete cascade,
  used_at    timestamptz
);
create index refresh_tokens_login on refresh_tokens (login_id);

create table login_attempts (
  who      bytea primary key,
  since    timestamptz not null default now(),
  attempts integer not null default 1
);
