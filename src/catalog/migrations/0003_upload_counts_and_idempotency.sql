-- What many nodes share about requests: how much each owner uploaded, and answers to repeat.

-- One row per owner: a window starts with the first upload after the last one ended.
create table upload_counts (
  tenant_id     text not null,
  user_id       text not null,
  window_start  timestamptz(3) not null,
  window_end    timestamptz(3) not null,
  files         integer not null check (files >= 0),
  primary key (tenant_id, user_id)
) with (fillfactor = 50);  -- room for updates in place

create index upload_counts_end on upload_counts (window_end);

create table idempotency_keys (
  tenant_id   text not null,
  user_id     text not null,
  key         text not null,
  fingerprint text not null,
  state       text not null check (state in ('running', 'done')),
  response    jsonb,
  claimed_at  timestamptz(3) not null,
  expires_at  timestamptz(3) not null,
  primary key (tenant_id, user_id, key)
);

create index idempotency_keys_expiry on idempotency_keys (expires_at);
