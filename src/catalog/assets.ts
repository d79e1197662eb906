import { type ExpressionBuilder, type Selectable, sql } from 'kysely';
import type { BackendName } from '../core/backend-name.ts';
import { isUuid } from '../core/ids.ts';
import type { ObjectKey } from '../core/key.ts';
import type { PlacedAsset } from './asset-moves.ts';
import type { Asset, AssetQuery, Catalog, Page, Usage } from './catalog.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import {
  type Database,
  type PreparedStatement,
  prepareStatement,
  runBuilt,
  runPrepared,
} from './database.ts';
import { translated } from './errors.ts';
import type { AssetsTable, Schema } from './schema.ts';

export const COLUMNS = [
  'id',
  'tenant_id',
  'user_id',
  's3_key',
  'original_filename',
  'file_size',
  'mime_type',
  'asset_type',
  'metadata',
  'content_hash',
  'state',
  'backend',
  'created_at',
] as const;

export type AssetRow = Pick<Selectable<AssetsTable>, (typeof COLUMNS)[number]>;

const KEYS_MAX = 1_000;
const UUID_PATTERN = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Everything the catalog reads from the table `assets`. */
export type AssetReader = ReturnType<typeof assetReader>;

/** Prepares the queries over `assets`. */
export function assetReader(database: Database) {
  const { pool, queries } = database;
  const statements = prepareStatements(database);
  const readMany = async (query: { execute(): Promise<AssetRow[]> }): Promise<Asset[]> =>
    (await translated(query.execute())).map(assetOf);
  const stored = () => queries.selectFrom('assets').select(COLUMNS).where('state', '=', 'stored');
  const tombstones = ({ afterId, limit }: { readonly afterId: string | null; readonly limit: number }) =>
    queries
      .selectFrom('assets')
      .select([...COLUMNS, 'copies'])
      .where('state', '=', sql.lit('deleted'))
      .$if(afterId !== null, (after) => after.where('id', '>', afterId ?? ''))
      .orderBy('id')
      .limit(limit);

  return {
    async find(tenantId: string, assetId: string): Promise<Asset | undefined> {
      if (!isUuid(assetId)) return undefined;
      const [row] = await runPrepared(pool, statements.find, [assetId, 'stored', tenantId]);
      return row === undefined ? undefined : assetOf(row);
    },

    async findByKey(key: ObjectKey): Promise<Asset | undefined> {
      const [row] = await runPrepared(pool, statements.findByKey, [key, 'stored']);
      return row === undefined ? undefined : assetOf(row);
    },

    async list(query: AssetQuery): Promise<Page<Asset>> {
      const { tenantId, userId, assetType, limit } = query;
      const after = query.cursor === null ? null : decodeCursor(query.cursor, UUID_PATTERN);
      const values = [
        tenantId,
        userId,
        ...(assetType === null ? [] : [assetType]),
        ...(after === null ? [] : [new Date(after.atMs).toISOString(), after.id]),
        'stored',
        limit + 1,
      ];
      const rows = await runPrepared(pool, statements.list(assetType !== null, after !== null), values);
      const items = rows.slice(0, limit).map(assetOf);
      const last = items.at(-1);
      const more = rows.length > limit && last !== undefined;
      return { items, nextCursor: more ? encodeCursor({ atMs: last.createdAtMs, id: last.assetId }) : null };
    },

    async usage(tenantId: string, userId: string | null): Promise<Usage> {
      const sums = queries
        .selectFrom('assets')
        .select((eb) => [
          eb.fn.countAll<string>().as('files'),
          eb.fn.sum<string | null>('file_size').as('bytes'),
        ])
        .where('tenant_id', '=', tenantId)
        .where('state', '=', 'stored')
        .$if(userId !== null, (query) => query.where('user_id', '=', userId));
      const [row] = await runBuilt(pool, 'usage', sums);
      return { files: Number(row?.files ?? 0), bytes: Number(row?.bytes ?? 0) };
    },

    async tombstones(query: Parameters<Catalog['listTombstones']>[0]): Promise<PlacedAsset[]> {
      const { backend, beforeMs } = query;
      const due = tombstones(query)
        .where('updated_at', '<', new Date(beforeMs))
        .where('backend', '=', backend);
      return (await translated(due.execute())).map(placedAssetOf);
    },

    async tombstonesOf(
      ...[{ tenantId, userId }, page]: Parameters<Catalog['listTombstonesOfUser']>
    ): Promise<PlacedAsset[]> {
      const ofUser = tombstones(page).where('tenant_id', '=', tenantId).where('user_id', '=', userId);
      return (await translated(ofUser.execute())).map(placedAssetOf);
    },

    async keysInUse(keys: readonly ObjectKey[]): Promise<ReadonlySet<string>> {
      if (keys.length > KEYS_MAX) throw new RangeError(`At most ${KEYS_MAX} keys can be asked for at once.`);
      const rows = await translated(
        queries
          .selectFrom('assets')
          .select('s3_key')
          .where('s3_key', '=', sql<string>`any(${[...keys]}::text[])`)
          .execute(),
      );
      return new Set(rows.map((row) => row.s3_key));
    },

    walk(query: { backend: BackendName | null; afterId: string | null; limit: number }): Promise<Asset[]> {
      const { backend, afterId, limit } = query;
      return readMany(
        stored()
          .$if(backend !== null, (rows) => rows.where('backend', '=', backend ?? ''))
          .$if(afterId !== null, (rows) => rows.where('id', '>', afterId ?? ''))
          .orderBy('id')
          .limit(limit),
      );
    },

    unused(query: Parameters<Catalog['listUnused']>[0]): Promise<Asset[]> {
      const { assetType, backend, beforeMs, after, limit } = query;
      const before = new Date(beforeMs);
      return readMany(
        stored()
          .where('asset_type', '=', assetType)
          .where('created_at', '<', before)
          .where('backend', '=', backend)
          .$if(after !== null, (rows) =>
            rows.where(
              sql<boolean>`(created_at, id) > (${new Date(after?.createdAtMs ?? 0)}::timestamptz, ${after?.assetId}::uuid)`,
            ),
          )
          .where(({ not, exists }) =>
            not(exists((eb: ExpressionBuilder<Schema, 'assets'>) => readsSince(eb, before))),
          )
          // What a record of an application refers to is in use, whether anybody looks at it or not.
          .where(({ not, exists }) => not(exists((eb: ExpressionBuilder<Schema, 'assets'>) => linksOf(eb))))
          .orderBy('created_at')
          .orderBy('id')
          .limit(limit),
      );
    },

    ofUser(tenantId: string, userId: string, limit: number): Promise<Asset[]> {
      return readMany(
        stored().where('tenant_id', '=', tenantId).where('user_id', '=', userId).orderBy('id').limit(limit),
      );
    },
  };
}

function readsSince(eb: ExpressionBuilder<Schema, 'assets'>, since: Date) {
  return eb
    .selectFrom('file_access_logs')
    .select('entry_id')
    .whereRef('file_access_logs.asset_id', '=', 'assets.id')
    .where('at', '>=', since)
    .where('outcome', '=', 'ok')
    .where('action', 'in', ['download', 'generate_url']);
}

function linksOf(eb: ExpressionBuilder<Schema, 'assets'>) {
  return eb.selectFrom('asset_links').select('record_id').whereRef('asset_links.asset_id', '=', 'assets.id');
}

function prepareStatements({ queries }: Database) {
  const rows = queries.selectFrom('assets').select(COLUMNS);
  const page = (byType: boolean, afterCursor: boolean): PreparedStatement<AssetRow> =>
    prepareStatement(
      `list_assets${byType ? '_of_type' : ''}${afterCursor ? '_after' : ''}`,
      rows
        .where('tenant_id', '=', '')
        .where('user_id', '=', '')
        .$if(byType, (query) => query.where('asset_type', '=', ''))
        // A row comparison, so that the index finds the first row of the page at any depth.
        .$if(afterCursor, (query) =>
          query.where(sql<boolean>`(created_at, id) < (${''}::timestamptz, ${''}::uuid)`),
        )
        .where('state', '=', 'stored')
        .orderBy('created_at', 'desc')
        .orderBy('id', 'desc')
        .limit(1),
    );
  const pages = [page(false, false), page(false, true), page(true, false), page(true, true)] as const;
  return {
    find: prepareStatement<AssetRow>(
      'find_asset',
      rows.where('id', '=', '').where('state', '=', 'stored').where('tenant_id', '=', ''),
    ),
    findByKey: prepareStatement<AssetRow>(
      'find_asset_by_key',
      rows.where('s3_key', '=', '').where('state', '=', 'stored'),
    ),
    list: (byType: boolean, afterCursor: boolean) =>
      byType ? pages[afterCursor ? 3 : 2] : pages[afterCursor ? 1 : 0],
  };
}

/** The asset of a row. */
export function assetOf(row: AssetRow): Asset {
  return {
    assetId: row.id,
    tenantId: row.tenant_id,
    userId: row.user_id,
    assetType: row.asset_type,
    // Keys were checked when they were written; the column holds nothing else.
    key: row.s3_key as ObjectKey,
    backend: row.backend as BackendName,
    filename: row.original_filename,
    sizeBytes: Number(row.file_size),
    mediaType: row.mime_type,
    contentHash: row.content_hash,
    metadata: row.metadata as Readonly<Record<string, unknown>>,
    createdAtMs: row.created_at.getTime(),
    state: row.state,
  };
}

/** The asset of a row that tells all the places of its bytes. */
export function placedAssetOf(row: AssetRow & Pick<Selectable<AssetsTable>, 'copies'>): PlacedAsset {
  return { ...assetOf(row), copies: (row.copies ?? []) as BackendName[] };
}
