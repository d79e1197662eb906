import type { Selectable } from 'kysely';
import { type Database, type PreparedStatement, runPrepared } from './database.ts';
import { translated } from './errors.ts';
import type { Schema } from './schema.ts';
import { storableText, storableTextOrNull } from './text.ts';
import type { HeldErasure, UserErasures } from './user-erasures.ts';

const REQUEST: PreparedStatement<{ is_noted: boolean }> = {
  name: 'request_erasure',
  text: `
    with noted as (
      insert into erasures (tenant_id, user_id, requested_by, request_id, ip_address, user_agent, requested_at, due_at)
      select $1, $2, $3, $4, $5, $6, $7::timestamptz, $7::timestamptz
      where (select count(*) from erasures) < $8
         or exists (select from erasures where tenant_id = $1 and user_id = $2)
      on conflict (tenant_id, user_id) do update set claim = null, due_at = excluded.due_at
        where erasures.claim is not null
      returning 1
    )
    select exists (select from noted)
      or exists (select from erasures where tenant_id = $1 and user_id = $2) as is_noted`,
};

type ClaimedErasure = Omit<Selectable<Schema['erasures']>, 'claim' | 'due_at'>;

const CLAIM: PreparedStatement<ClaimedErasure> = {
  name: 'claim_erasure',
  text: `
    update erasures set claim = $1, due_at = $3::timestamptz, attempts = attempts + 1
    where (tenant_id, user_id) = (
      select tenant_id, user_id from erasures where due_at <= $2::timestamptz
      order by due_at limit 1 for update skip locked)
    returning tenant_id, user_id, requested_by, request_id, ip_address, user_agent, requested_at, attempts`,
};

/** Keeps the table of erasures. */
export function userErasures({ pool, queries }: Database): UserErasures {
  const holding = ({ tenantId, userId, claim }: HeldErasure, dueMs: number) =>
    queries
      .updateTable('erasures')
      .set({ due_at: new Date(dueMs) })
      .where('tenant_id', '=', tenantId)
      .where('user_id', '=', userId)
      .where('claim', '=', claim);
  return {
    async requestErasure(erasure, waitingMax) {
      const { tenantId, userId, requestedBy, requestId, ipAddress, userAgent, requestedAtMs } = erasure;
      const names = [tenantId, userId, requestedBy, requestId, ipAddress].map(storableText);
      const at = new Date(requestedAtMs).toISOString();
      const [row] = await runPrepared(pool, REQUEST, [
        ...names,
        storableTextOrNull(userAgent),
        at,
        waitingMax,
      ]);
      return row?.is_noted === true;
    },

    async claimErasure({ claim, nowMs, untilMs }) {
      const times = [nowMs, untilMs].map((ms) => new Date(ms).toISOString());
      const [row] = await runPrepared(pool, CLAIM, [claim, ...times]);
      if (row === undefined) return undefined;
      return {
        tenantId: row.tenant_id,
        userId: row.user_id,
        requestedBy: row.requested_by,
        requestId: row.request_id,
        ipAddress: row.ip_address,
        userAgent: row.user_agent,
        requestedAtMs: row.requested_at.getTime(),
        attempts: row.attempts,
        claim,
      };
    },

    async renewErasure(held, untilMs) {
      const { numUpdatedRows } = await translated(holding(held, untilMs).executeTakeFirstOrThrow());
      return numUpdatedRows > 0n;
    },

    async releaseErasure(held, dueMs) {
      await translated(holding(held, dueMs).set({ claim: null }).execute());
    },

    async endErasure({ tenantId, userId, claim }) {
      await translated(
        queries
          .deleteFrom('erasures')
          .where('tenant_id', '=', tenantId)
          .where('user_id', '=', userId)
          .where('claim', '=', claim)
          .execute(),
      );
    },
  };
}
