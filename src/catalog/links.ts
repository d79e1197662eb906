import { isUuid } from '../core/ids.ts';
import {
  type AssetLink,
  type AssetLinks,
  LINKS_MAX,
  type LinkedAsset,
  type RecordName,
} from './asset-links.ts';
import { type AssetRow, assetOf } from './assets.ts';
import { type Database, type PreparedStatement, runPrepared } from './database.ts';
import { storableText } from './text.ts';

const LINKED: PreparedStatement<AssetRow & { role: string; position: number | null }> = {
  name: 'list_linked',
  text: `
    select assets.id, assets.tenant_id, assets.user_id, s3_key, original_filename, file_size, mime_type, asset_type,
           metadata, content_hash, state, backend, created_at, role, position
    from asset_links join assets on assets.id = asset_links.asset_id
    where asset_links.tenant_id = $1 and record_type = $2 and record_id = $3 and ($4::text is null or role = $4)
      and state = 'stored'
    order by role, position nulls last, linked_at, assets.id
    limit ${LINKS_MAX}`,
};

const LINKS_OF_ASSET: PreparedStatement<{
  record_type: string;
  record_id: string;
  role: string;
  position: number | null;
}> = {
  name: 'links_of_asset',
  text: `
    select record_type, record_id, role, position from asset_links
    where asset_id = $1 and tenant_id = $2 order by record_type, record_id, role limit ${LINKS_MAX}`,
};

/** The number is a hash: two records that share one wait for each other, no more. */
const LOCK: PreparedStatement<object> = {
  name: 'lock_links',
  text: 'select pg_advisory_xact_lock(hashtextextended($1, 7201))',
};

const COUNT: PreparedStatement<{ role: string; assets: string }> = {
  name: 'count_links',
  text: `
    select role, count(*) as assets from asset_links
    where tenant_id = $1 and record_type = $2 and record_id = $3 group by role`,
};

/** Locked until the transaction ends: a delete waits, and finds the link. */
const LOCK_ASSET: PreparedStatement<object> = {
  name: 'lock_asset',
  text: `select 1 from assets where id = $1 and tenant_id = $2 and state = 'stored' for share`,
};

const ADD: PreparedStatement<object> = {
  name: 'add_link',
  text: `
    insert into asset_links (tenant_id, record_type, record_id, role, asset_id, position, linked_at)
    values ($1, $2, $3, $4, $5, $6, $7)
    on conflict (tenant_id, record_type, record_id, role, asset_id) do update set position = excluded.position`,
};

const REMOVE: PreparedStatement<{ asset_id: string }> = {
  name: 'remove_links',
  text: `
    delete from asset_links
    where tenant_id = $1 and record_type = $2 and record_id = $3
      and ($4::uuid is null or asset_id = $4) and ($5::text is null or role = $5)
    returning asset_id`,
};

/** Reads and writes the links of assets. */
export function assetLinks({ pool }: Database): AssetLinks {
  return {
    async listLinked(record, role, client) {
      const rows = await runPrepared(client ?? pool, LINKED, [...namesOf(record), role]);
      return rows.map(
        (row): LinkedAsset => ({ asset: assetOf(row), role: row.role, position: row.position }),
      );
    },
    async listLinks(tenantId, assetId) {
      if (!isUuid(assetId)) return [];
      const rows = await runPrepared(pool, LINKS_OF_ASSET, [assetId, tenantId]);
      return rows.map(
        (row): AssetLink => ({
          tenantId,
          assetId,
          recordType: row.record_type,
          recordId: row.record_id,
          role: row.role,
          position: row.position,
        }),
      );
    },
    async lockLinks(client, record) {
      await runPrepared(client, LOCK, [JSON.stringify(namesOf(record))]);
      const rows = await runPrepared(client, COUNT, namesOf(record));
      return new Map(rows.map(({ role, assets }) => [role, Number(assets)]));
    },
    async addLink(client, link, { nowMs, isNew }) {
      if (!isUuid(link.assetId)) return false;
      if (!isNew) {
        const known = await runPrepared(client, LOCK_ASSET, [link.assetId, link.tenantId]);
        if (known.length === 0) return false;
      }
      const { role, assetId, position } = link;
      const linkedAt = new Date(nowMs).toISOString();
      await runPrepared(client, ADD, [...namesOf(link), storableText(role), assetId, position, linkedAt]);
      return true;
    },
    async removeLinks(client, record, { assetId, role }) {
      if (assetId !== null && !isUuid(assetId)) return [];
      const rows = await runPrepared(client, REMOVE, [...namesOf(record), assetId, role]);
      return rows.map((row) => row.asset_id);
    },
  };
}

function namesOf({ tenantId, recordType, recordId }: RecordName): string[] {
  return [storableText(tenantId), storableText(recordType), storableText(recordId)];
}
