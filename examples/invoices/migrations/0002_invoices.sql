-- Tenants and users as the tokens name them: an identity provider's have other ids than the accounts beside this.
create table transactions (
  transaction_id uuid primary key,
  tenant_id      text not null,
  booked_on      date not null,
  description    text not null check (length(description) between 1 and 500),
  currency       char(3) not null,
  amount         numeric(14, 2) not null
);
create index transactions_tenant on transactions (tenant_id, booked_on desc, transaction_id);

-- What an invoice says. The bytes are Stowage's, by their key; a row goes with its asset, however that is removed.
create table invoices (
  invoice_id     uuid primary key,
  tenant_id      text not null,
  user_id        text not null,
  asset_id       uuid not null unique references public.assets (id) on delete cascade deferrable initially deferred,
  s3_key         text not null unique,
  filename       text not null,
  transaction_id uuid references transactions,
  number         text check (length(number) between 1 and 200),
  date           date,
  supplier       text check (length(supplier) between 1 and 200),
  currency       char(3),
  net            numeric(14, 2),
  tax            numeric(14, 2),
  total          numeric(14, 2),
  -- Who says so: `hand`, or what the fields were read from; `unread` until that is done.
  source         text not null,
  confidence     jsonb not null default '{}',
  message        text,
  created_at     timestamptz not null default now()
);
create index invoices_tenant on invoices (tenant_id, created_at desc, invoice_id desc);
