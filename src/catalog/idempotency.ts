import type { HeldClaim, IdempotencyClaim, IdempotencyState } from './catalog.ts';
import { type Database, runBuilt } from './database.ts';
import { translated } from './errors.ts';

const ANSWER_KEPT_MS = 24 * 3_600_000;
/** A request that has not renewed its claim for so long has died with its node. */
const CLAIM_HELD_MS = 60_000;
const ATTEMPTS_MAX = 3;

/** Claims a key for a request that starts, or tells what became of the request that has it. */
export async function claimKey(database: Database, claim: IdempotencyClaim): Promise<IdempotencyState> {
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt += 1) {
    if (await tryClaim(database, claim)) return { state: 'new' };
    const holder = ofClaim(database, claim).select(['fingerprint', 'state', 'response']);
    const [known] = await runBuilt(database.pool, 'find_key', holder);
    // Undefined: released between the two statements; the key may be free now.
    if (known === undefined) continue;
    if (known.fingerprint !== claim.fingerprint) return { state: 'mismatch' };
    return known.state === 'done' ? { state: 'done', response: known.response } : { state: 'running' };
  }
  return { state: 'running' };
}

async function tryClaim({ pool, queries }: Database, claim: IdempotencyClaim): Promise<boolean> {
  const now = new Date(claim.nowMs);
  const taken = queries
    .insertInto('idempotency_keys')
    .values({
      tenant_id: claim.tenantId,
      user_id: claim.userId,
      key: claim.key,
      fingerprint: claim.fingerprint,
      state: 'running',
      response: null,
      claimed_at: now,
      expires_at: new Date(claim.nowMs + ANSWER_KEPT_MS),
    })
    .onConflict((conflict) =>
      conflict
        .columns(['tenant_id', 'user_id', 'key'])
        .doUpdateSet((eb) => ({
          fingerprint: eb.ref('excluded.fingerprint'),
          state: 'running',
          response: null,
          claimed_at: eb.ref('excluded.claimed_at'),
          expires_at: eb.ref('excluded.expires_at'),
        }))
        .where((eb) =>
          eb.or([
            eb('idempotency_keys.expires_at', '<=', now),
            eb.and([
              eb('idempotency_keys.state', '=', 'running'),
              eb('idempotency_keys.claimed_at', '<=', new Date(claim.nowMs - CLAIM_HELD_MS)),
            ]),
          ]),
        ),
    )
    .returning('key');
  return (await runBuilt(pool, 'claim_key', taken)).length > 0;
}

/** Keeps a claim that has no answer yet. @returns whether it was still this holder's. */
export async function renewKey(
  { pool, queries }: Database,
  claim: HeldClaim,
  nowMs: number,
): Promise<boolean> {
  const renewed = queries
    .updateTable('idempotency_keys')
    .set({ claimed_at: new Date(nowMs) })
    .where('tenant_id', '=', claim.tenantId)
    .where('user_id', '=', claim.userId)
    .where('key', '=', claim.key)
    .where('state', '=', 'running')
    .where('claimed_at', '=', new Date(claim.nowMs))
    .returning('key');
  return (await runBuilt(pool, 'renew_key', renewed)).length > 0;
}

/** Gives up a claim that has no answer yet and is still this holder's. */
export async function releaseKey({ pool, queries }: Database, claim: HeldClaim): Promise<void> {
  const released = queries
    .deleteFrom('idempotency_keys')
    .where('tenant_id', '=', claim.tenantId)
    .where('user_id', '=', claim.userId)
    .where('key', '=', claim.key)
    .where('state', '=', 'running')
    .where('claimed_at', '=', new Date(claim.nowMs));
  await runBuilt(pool, 'release_key', released);
}

/** Removes answers and rate windows that have expired. */
export async function removeExpired({ queries }: Database, nowMs: number): Promise<void> {
  const now = new Date(nowMs);
  await translated(queries.deleteFrom('idempotency_keys').where('expires_at', '<=', now).execute());
  await translated(queries.deleteFrom('upload_counts').where('window_end', '<=', now).execute());
}

function ofClaim({ queries }: Database, claim: IdempotencyClaim) {
  return queries
    .selectFrom('idempotency_keys')
    .where('tenant_id', '=', claim.tenantId)
    .where('user_id', '=', claim.userId)
    .where('key', '=', claim.key);
}
