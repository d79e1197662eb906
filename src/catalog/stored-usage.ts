import type { BackendName } from '../core/backend-name.ts';
import type { Database } from './database.ts';
import { translated } from './errors.ts';

/** Stored assets of one type on one backend. */
export interface StoredUsage {
  readonly assetType: string;
  readonly backend: BackendName;
  readonly files: number;
  readonly bytes: number;
}

/** What is stored, by asset type and backend, the largest first. Looks at every asset. */
export async function storedUsage({ queries }: Database): Promise<readonly StoredUsage[]> {
  const rows = await translated(
    queries
      .selectFrom('assets')
      .select((eb) => [
        'asset_type',
        'backend',
        eb.fn.countAll<string>().as('files'),
        eb.fn.sum<string>('file_size').as('bytes'),
      ])
      .where('state', '=', 'stored')
      .groupBy(['asset_type', 'backend'])
      .orderBy('bytes', 'desc')
      .orderBy('asset_type')
      .execute(),
  );
  return rows.map((row) => ({
    assetType: row.asset_type,
    backend: row.backend as BackendName,
    files: Number(row.files),
    bytes: Number(row.bytes),
  }));
}
