import { DatabaseError } from 'pg';
import { StowageError } from '../core/errors.ts';
import { isUuid } from '../core/ids.ts';
import { entryColumns } from './access-log.ts';
import type { PlacedAsset } from './asset-moves.ts';
import { type AssetRow, placedAssetOf } from './assets.ts';
import type { AccessEntry, TombstoneOptions } from './catalog.ts';
import { type Database, type PreparedStatement, runPrepared } from './database.ts';
import { translated } from './errors.ts';

const TOMBSTONE: PreparedStatement<AssetRow & { copies: string[] | null }> = {
  name: 'tombstone_asset',
  text: `
    select id, tenant_id, user_id, s3_key, original_filename, file_size, mime_type, asset_type, metadata, content_hash,
           state, backend, created_at, copies
    from tombstone_asset($1, $2, $3::jsonb, $4)`,
};

/** Turns a stored asset into a tombstone, with its log entry. */
export async function tombstoneAsset(
  { pool }: Database,
  target: { readonly tenantId: string; readonly assetId: string },
  entry: AccessEntry,
  options: TombstoneOptions = {},
): Promise<PlacedAsset | undefined> {
  if (!isUuid(target.assetId)) return undefined;
  const { cutLinks = false, within } = options;
  const values = [target.assetId, target.tenantId, JSON.stringify(entryColumns(entry)), cutLinks];
  try {
    const [row] = await (within === undefined
      ? runPrepared(pool, TOMBSTONE, values)
      : within(async (client) => {
          const rows = await runPrepared(client, TOMBSTONE, values);
          // What else the transaction did was about an asset that is not there any more.
          if (rows.length === 0) throw new StowageError('not_found', 'There is no such asset.');
          return rows;
        }));
    return row === undefined ? undefined : placedAssetOf(row);
  } catch (error) {
    throw linkedError(error);
  }
}

/** Removes a tombstone; a stored asset stays. */
export async function forgetAsset({ queries }: Database, assetId: string): Promise<void> {
  if (!isUuid(assetId)) return;
  await translated(
    queries.deleteFrom('assets').where('id', '=', assetId).where('state', '=', 'deleted').execute(),
  );
}

const RESTRICT_VIOLATION = '23001';

/** What the database says of a linked asset, in our words. */
function linkedError(error: unknown): unknown {
  if (!(error instanceof DatabaseError) || error.code !== RESTRICT_VIOLATION) return error;
  const record = /^linked to (.+)$/s.exec(error.message)?.[1];
  if (record === undefined) return error;
  return new StowageError('conflict', `The asset is linked to ${record}: unlink it first.`, { cause: error });
}
