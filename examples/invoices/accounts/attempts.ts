import { createHash } from 'node:crypto';
import { StowageError } from 'stowage';
import type { Storage } from '../storage.ts';

/** Attempts in a quarter of an hour: of one address for one name, for one name from anywhere, of one address. */
const ATTEMPTS_MAX = { pair: 5, email: 50, address: 50 } as const;
const WINDOW_SECONDS = 900;

/**
 * Counts an attempt to log in before the password is looked at, in the database: for all nodes together.
 *
 * @throws StowageError `rate_limited`, whether there is such a user or not.
 */
export async function countAttempt(stowage: Storage, email: string, address: string): Promise<void> {
  for (const [limit, who] of keysOf(email, address)) {
    const { rows } = await stowage.database.query<{ attempts: number; seconds: number }>(
      `insert into login_attempts as known (who) values ($1)
       on conflict (who) do update set
         attempts = case when known.since < now() - make_interval(secs => $2) then 1 else known.attempts + 1 end,
         since = case when known.since < now() - make_interval(secs => $2) then now() else known.since end
       returning attempts, ceil(extract(epoch from since + make_interval(secs => $2) - now()))::int as seconds`,
      [who, WINDOW_SECONDS],
    );
    const [row] = rows;
    if (row === undefined || row.attempts <= ATTEMPTS_MAX[limit]) continue;
    throw new StowageError('rate_limited', 'Too many attempts to log in. Please try again later.', {
      fields: { retry_after_seconds: Math.max(1, row.seconds) },
    });
  }
}

/** Who has got in begins anew; what is long over is forgotten. */
export async function forgetAttempts(stowage: Storage, email: string, address: string): Promise<void> {
  const [[, pair]] = keysOf(email, address);
  await stowage.database.query(
    `delete from login_attempts where who = $1 or since < now() - make_interval(secs => $2)`,
    [pair, WINDOW_SECONDS],
  );
}

/** Hashed: names and addresses of people are not kept for this. */
function keysOf(email: string, address: string) {
  const key = (text: string) => createHash('sha256').update(text).digest();
  return [
    ['pair', key(`${email}\n${address}`)],
    ['email', key(email)],
    ['address', key(address)],
  ] as const;
}
