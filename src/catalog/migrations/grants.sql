-- What the service's role may do. Run after the migrations when that role is not the owner; repeating it is harmless.
grant usage on schema public to stowage_app;
grant select on schema_migrations, catalog_identity to stowage_app;
grant select, insert, update, delete on users, assets, upload_counts, idempotency_keys, direct_uploads, asset_links to stowage_app;
-- An application's own tables, which this role owns, may refer to assets.
grant references (id, s3_key) on assets to stowage_app;
grant select, insert, update, delete on cdn_caches, cdn_purges, erasures to stowage_app;
grant select, insert on file_access_logs, access_log_seals to stowage_app;
grant select, usage on sequence file_access_logs_entry_id_seq to stowage_app;
grant execute on function commit_uploads(jsonb), reserve_upload(jsonb, integer, integer, integer),
  end_upload(uuid, uuid, text, text), commit_plain_uploads(jsonb, integer, integer, jsonb, jsonb), tombstone_asset(uuid, text, jsonb, boolean) to stowage_app;
