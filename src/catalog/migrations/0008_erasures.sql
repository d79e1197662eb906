-- Erasures of users that were accepted and are not finished: few, always. When a user has no asset left the row is gone,
-- so that nothing here keeps a name that was to be forgotten.
create table erasures (
  tenant_id    text not null,
  user_id      text not null,            -- whose assets go
  requested_by text not null,            -- who asked, from where: for the access log
  request_id   text not null,
  ip_address   text not null,
  user_agent   text,
  requested_at timestamptz(3) not null,
  due_at       timestamptz(3) not null,  -- nobody takes it up before
  attempts     integer not null default 0,
  claim        uuid,                     -- who carries it out
  primary key (tenant_id, user_id)
);

create index erasures_due on erasures (due_at);
