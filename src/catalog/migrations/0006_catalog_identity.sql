-- Which catalog this is: a store remembers it, and no other catalog may sweep there. It moves with an export or a dump.
create table catalog_identity (
  only_row   boolean primary key default true check (only_row),
  catalog_id uuid not null
);
insert into catalog_identity (catalog_id) values (gen_random_uuid());
