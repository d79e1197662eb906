import { isUuid } from '../core/ids.ts';
import { entryColumns } from './access-log.ts';
import type { PlacedAsset } from './asset-moves.ts';
import { type AssetRow, placedAssetOf } from './assets.ts';
import type { AccessEntry } from './catalog.ts';
import { type Database, type PreparedStatement, runPrepared } from './database.ts';
import { translated } from './errors.ts';

/** The state before the change is told, with the entry written only when there was a row to change. */
const TOMBSTONE: PreparedStatement<AssetRow & { copies: string[] | null }> = {
  name: 'tombstone_asset',
  text: `
    with entry as materialized (
      select * from jsonb_to_record($3::jsonb) as entry(
        at timestamptz, action text, outcome text, reason text, tenant_id text, user_id text, asset_id uuid,
        asset_type text, s3_key text, ip_address text, user_agent text, storage_backend text, request_id text)
    ), changed as (
      update assets set state = 'deleted', updated_at = entry.at
      from entry
      where assets.id = $1 and assets.tenant_id = $2 and assets.state = 'stored'
      returning assets.*
    ), written as (
      insert into file_access_logs (at, action, outcome, reason, tenant_id, user_id, asset_id, asset_type, s3_key,
                                    ip_address, user_agent, storage_backend, request_id)
      select entry.at, entry.action, entry.outcome, entry.reason, entry.tenant_id, entry.user_id, entry.asset_id,
             entry.asset_type, entry.s3_key, entry.ip_address, entry.user_agent, entry.storage_backend, entry.request_id
      from entry, changed
    )
    select id, tenant_id, user_id, s3_key, original_filename, file_size, mime_type, asset_type, metadata, content_hash,
           'stored' as state, backend, created_at, copies
    from changed`,
};

/** Turns a stored asset into a tombstone, with its log entry. */
export async function tombstoneAsset(
  { pool }: Database,
  target: { readonly tenantId: string; readonly assetId: string },
  entry: AccessEntry,
): Promise<PlacedAsset | undefined> {
  if (!isUuid(target.assetId)) return undefined;
  const values = [target.assetId, target.tenantId, JSON.stringify(entryColumns(entry))];
  const [row] = await runPrepared(pool, TOMBSTONE, values);
  return row === undefined ? undefined : placedAssetOf(row);
}

/** Removes a tombstone; a stored asset stays. */
export async function forgetAsset({ queries }: Database, assetId: string): Promise<void> {
  if (!isUuid(assetId)) return;
  await translated(
    queries.deleteFrom('assets').where('id', '=', assetId).where('state', '=', 'deleted').execute(),
  );
}
