-- Assets move between backends while the service runs: whatever may hold bytes of an asset is named in its row, before
-- the first byte gets there and until the last one is gone.

alter table assets
  add column copies        text[] check (cardinality(copies) > 0),  -- backends that may hold the bytes too; null: none
  add column copy_claim    uuid,            -- who is making a copy; the row names another backend only for the last one
  add column releasing     text,            -- the backend whose copy is being removed
  add column release_claim uuid,            -- by whom
  add column release_until timestamptz(3),  -- and until when at the latest
  add column moved_at      timestamptz(3);  -- when the row last named another backend; null: never

-- Assets with bytes in two places: those of moves that are not finished.
create index assets_copies on assets (id) where copies is not null;
