import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { type Caller, StowageError, type Transaction } from 'stowage';
import type { Storage } from '../storage.ts';

/** An access token is believed without a question until it ends: so it ends soon. */
const ACCESS_SECONDS = 5 * 60;
/** Then a password is asked for again, however often the tokens were exchanged. */
export const LOGIN_SECONDS = 30 * 24 * 3600;

/** What somebody has who is logged in. */
export interface Session {
  readonly accessToken: string;
  readonly expiresInSeconds: number;
  /** Good for one exchange. */
  readonly refreshToken: string;
}

/** Begins a login: the first token of a family. */
export async function openSession(stowage: Storage, user: Caller): Promise<Session> {
  const refreshToken = await stowage.transaction(async (tx) => {
    const loginId = randomUUID();
    await tx.query('delete from logins where user_id = $1 and expires_at < now()', [user.userId]);
    await tx.query(
      'insert into logins (login_id, user_id, expires_at) values ($1, $2, now() + make_interval(secs => $3))',
      [loginId, user.userId, LOGIN_SECONDS],
    );
    return await addToken(tx, loginId);
  });
  return await sessionOf(stowage, user, refreshToken);
}

/**
 * Exchanges a refresh token for the next one. One that was exchanged before is in two hands, and nobody knows which is
 * the thief's: the login ends for both.
 *
 * @throws StowageError `unauthenticated`.
 */
export async function refreshSession(stowage: Storage, refreshToken: string): Promise<Session> {
  // Nothing is thrown inside: that would undo the revocation.
  const next = await stowage.transaction(async (tx) => {
    const { rows } = await tx.query<Caller & { login_id: string; is_good: boolean; is_used: boolean }>(
      `select login_id, user_id as "userId", tenant_id as "tenantId", role, used_at is not null as is_used,
         revoked_at is null and expires_at > now() as is_good
       from refresh_tokens join logins using (login_id) join users using (user_id)
       where token_hash = $1 for update of refresh_tokens, logins`,
      [hashOf(refreshToken)],
    );
    const [known] = rows;
    if (known?.is_used) await endLogin(tx, known.login_id);
    if (known === undefined || known.is_used || !known.is_good) return null;
    await tx.query('update refresh_tokens set used_at = now() where token_hash = $1', [hashOf(refreshToken)]);
    return { user: known, token: await addToken(tx, known.login_id) };
  });
  if (next === null) throw new StowageError('unauthenticated', 'Please log in again.');
  const { userId, tenantId, role } = next.user;
  return await sessionOf(
    stowage,
    { userId, ...(tenantId && { tenantId }), ...(role && { role }) },
    next.token,
  );
}

/** Ends the login that a token belongs to. */
export async function closeSession(stowage: Storage, refreshToken: string): Promise<void> {
  await stowage.database.query(
    `update logins set revoked_at = coalesce(revoked_at, now())
     where login_id = (select login_id from refresh_tokens where token_hash = $1)`,
    [hashOf(refreshToken)],
  );
}

type Queries = Pick<Transaction, 'query'>;

async function endLogin(tx: Queries, loginId: string): Promise<void> {
  await tx.query('update logins set revoked_at = coalesce(revoked_at, now()) where login_id = $1', [loginId]);
}

async function addToken(tx: Queries, loginId: string): Promise<string> {
  const token = randomBytes(32).toString('base64url');
  await tx.query('insert into refresh_tokens (token_hash, login_id) values ($1, $2)', [
    hashOf(token),
    loginId,
  ]);
  return token;
}

async function sessionOf(stowage: Storage, user: Caller, refreshToken: string): Promise<Session> {
  const accessToken = await stowage.issueToken(user, { lifetimeSeconds: ACCESS_SECONDS });
  return { accessToken, expiresInSeconds: ACCESS_SECONDS, refreshToken };
}

/** 32 random bytes need no slow hash. */
function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
