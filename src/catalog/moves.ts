import { sql } from 'kysely';
import type { BackendName } from '../core/backend-name.ts';
import { isUuid } from '../core/ids.ts';
import type { AssetMoves } from './asset-moves.ts';
import { type AssetRow, assetOf, COLUMNS } from './assets.ts';
import type { Usage } from './catalog.ts';
import { type Database, type PreparedStatement, runPrepared } from './database.ts';
import { translated } from './errors.ts';

/** All of these look at one row only: concurrent changes of an asset come one after the other. */
const CLAIM_COPY: PreparedStatement<{ id: string }> = {
  name: 'claim_copy',
  text: `
    update assets set copy_claim = $4,
      copies = case when $3 = any(copies) then copies else array_append(copies, $3) end,
      releasing = nullif(releasing, $3)
    where id = $1 and backend = $2 and state = 'stored' and (releasing is distinct from $3 or release_until <= $5)
    returning id`,
};

const SWITCH: PreparedStatement<{ id: string }> = {
  name: 'switch_backend',
  text: `
    update assets set backend = $3, copy_claim = null, moved_at = $5, updated_at = $5,
      copies = array_append(array_remove(array_remove(copies, $3), $2), $2)
    where id = $1 and backend = $2 and state = 'stored' and copy_claim = $4
      and $3 = any(copies) and releasing is distinct from $3
    returning id`,
};

const CLAIM_RELEASE: PreparedStatement<{ id: string }> = {
  name: 'claim_release',
  text: `
    update assets set releasing = $2, release_claim = $4, release_until = $7, copy_claim = null
    where id = $1 and backend = $3 and backend <> $2 and state = 'stored' and $2 = any(copies)
      and (moved_at is null or moved_at < $5) and (releasing is null or release_until <= $6)
    returning id`,
};

const END_RELEASE: PreparedStatement<{ id: string }> = {
  name: 'end_release',
  text: `
    update assets set releasing = null, release_claim = null, release_until = null,
      copies = case when $4 then nullif(array_remove(copies, $2), '{}') else copies end
    where id = $1 and releasing = $2 and release_claim = $3
    returning id`,
};

/** Keeps the columns of `assets` about moves. */
export function assetMoves(database: Database): AssetMoves {
  const { pool, queries } = database;
  const stored = () => queries.selectFrom('assets').where('state', '=', 'stored');
  const elsewhereWithCopy = (backend: BackendName) =>
    stored()
      .where('copies', 'is not', null)
      .where(sql<boolean>`${backend} = any(copies)`)
      .where('backend', '!=', backend);
  return {
    usageOfBackend: (backend) => usageOf(stored().where('backend', '=', backend)),
    countCopies: (backend) => usageOf(elsewhereWithCopy(backend)),

    async claimCopy(assetId, { source, target, claim }, nowMs) {
      if (!isUuid(assetId) || source === target) return false;
      const values = [assetId, source, target, claim, timeOf(nowMs)];
      return (await runPrepared(pool, CLAIM_COPY, values)).length > 0;
    },

    async switchBackend(assetId, { source, target, claim }, nowMs) {
      if (!isUuid(assetId) || source === target) return false;
      const values = [assetId, source, target, claim, timeOf(nowMs)];
      return (await runPrepared(pool, SWITCH, values)).length > 0;
    },

    async listCopies({ backend, beforeMs, afterId, limit }) {
      const rows: AssetRow[] = await translated(
        elsewhereWithCopy(backend)
          .select(COLUMNS)
          .where((eb) => eb.or([eb('moved_at', 'is', null), eb('moved_at', '<', new Date(beforeMs))]))
          .$if(afterId !== null, (query) => query.where('id', '>', afterId ?? ''))
          .orderBy('id')
          .limit(limit)
          .execute(),
      );
      return rows.map(assetOf);
    },

    async claimRelease(assetId, { backend, heldBy, claim, beforeMs }, { nowMs, untilMs }) {
      const values = [assetId, backend, heldBy, claim, timeOf(beforeMs), timeOf(nowMs), timeOf(untilMs)];
      return isUuid(assetId) && (await runPrepared(pool, CLAIM_RELEASE, values)).length > 0;
    },

    async endRelease(assetId, { backend, claim }, removed) {
      if (isUuid(assetId)) await runPrepared(pool, END_RELEASE, [assetId, backend, claim, removed]);
    },
  };

  async function usageOf(rows: ReturnType<typeof stored>): Promise<Usage> {
    const row = await translated(
      rows
        .select((eb) => [
          eb.fn.countAll<string>().as('files'),
          eb.fn.sum<string | null>('file_size').as('bytes'),
        ])
        .executeTakeFirstOrThrow(),
    );
    return { files: Number(row.files), bytes: Number(row.bytes ?? 0) };
  }
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}
