create table tasks (
  id integer generated always as identity primary key,
  tenant_id text not null,
  title text not null,
  created_by text not null,
  created_at timestamptz not null default now()
);
create index tasks_by_tenant on tasks (tenant_id, id);

create table attachments (
  -- Stowage writes the asset after this row, in the same transaction; an asset that is removed takes its row along.
  id uuid primary key references assets (id) on delete cascade deferrable initially deferred,
  task_id integer not null references tasks (id),
  s3_key text not null unique,
  filename text not null,
  media_type text not null,
  size_bytes bigint not null,
  attached_by text not null,
  attached_at timestamptz not null default now()
);
create index attachments_by_task on attachments (task_id, attached_at);
