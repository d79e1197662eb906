import type { AppMigration } from 'stowage';

/** A row for each variant of each picture: made, waiting, or given up. A picture that goes leaves the rows behind, to be cleared. */
export const VARIANTS_MIGRATION: AppMigration = {
  name: '0000_image_variants',
  sql: `create table image_variants (
    id         uuid primary key default gen_random_uuid(),
    image_id   uuid references public.assets (id) on delete set null deferrable initially deferred,
    name       text not null,
    variant_id uuid unique references public.assets (id) on delete cascade deferrable initially deferred,
    tenant_id  text not null,
    attempts   integer not null default 0,
    due_at     timestamptz not null default now(),
    problem    text,
    unique (image_id, name)
  );
  create index image_variants_due on image_variants (due_at) where variant_id is null or image_id is null`,
};
