import { sql } from 'kysely';
import type { CdnPurges } from './cdn-purges.ts';
import { type Database, type PreparedStatement, runPrepared } from './database.ts';
import { translated } from './errors.ts';

/** First wait after a failed attempt, and the longest, in seconds. An attempt may take as long as the first. */
const RETRY_SECONDS_MIN = 15;
const RETRY_SECONDS_MAX = 600;
const DOUBLINGS_MAX = 6;
/** How long a purge that ended stays on record, in days. */
const KEPT_DAYS = 30;
const PROBLEM_LENGTH_MAX = 500;
const DAY_MS = 86_400_000;

const CLAIM: PreparedStatement<{ s3_key: string; generation: number; attempts: number }> = {
  name: 'claim_purges',
  text: `
    update cdn_purges set attempts = attempts + 1,
      due_at = $2::timestamptz + make_interval(secs =>
        least(${RETRY_SECONDS_MAX}, ${RETRY_SECONDS_MIN} * power(2, least(attempts, ${DOUBLINGS_MAX}))))
    where s3_key in (
      select s3_key from cdn_purges where purged_at is null and due_at <= $2::timestamptz
      order by due_at limit $1 for update skip locked)
    returning s3_key, generation, attempts`,
};

/** Keeps the tables about caches. */
export function cdnPurges({ pool, queries }: Database): CdnPurges {
  return {
    async noteCaches(urls, nowMs) {
      const caches = [...new Set(urls)].map((url) => ({ url, noted_at: new Date(nowMs) }));
      await translated(
        queries
          .deleteFrom('cdn_caches')
          .where('url', '!=', sql<string>`all(${caches.map(({ url }) => url)}::text[])`)
          .execute(),
      );
      if (caches.length === 0) return;
      await translated(
        queries
          .insertInto('cdn_caches')
          .values(caches)
          .onConflict((conflict) => conflict.column('url').doNothing())
          .execute(),
      );
    },

    async claimPurges(limit, nowMs) {
      const rows = await runPrepared(pool, CLAIM, [limit, new Date(nowMs).toISOString()]);
      return rows.map(({ s3_key, generation, attempts }) => ({ key: s3_key, generation, attempts }));
    },

    async endPurge({ key, generation }, receipt, nowMs) {
      await translated(
        queries
          .updateTable('cdn_purges')
          .set({ purged_at: new Date(nowMs), receipt, problem: null })
          .where('s3_key', '=', key)
          .where('generation', '=', generation)
          .execute(),
      );
      const before = new Date(nowMs - KEPT_DAYS * DAY_MS);
      await translated(queries.deleteFrom('cdn_purges').where('purged_at', '<', before).execute());
    },

    async notePurgeProblem({ key, generation }, problem) {
      await translated(
        queries
          .updateTable('cdn_purges')
          .set({ problem: problem.slice(0, PROBLEM_LENGTH_MAX) })
          .where('s3_key', '=', key)
          .where('generation', '=', generation)
          .where('purged_at', 'is', null)
          .execute(),
      );
    },

    async purgeBacklog() {
      const waiting = () => queries.selectFrom('cdn_purges').where('purged_at', 'is', null);
      const [{ count }, oldest] = await Promise.all([
        translated(
          waiting()
            .select((eb) => eb.fn.countAll<string>().as('count'))
            .executeTakeFirstOrThrow(),
        ),
        translated(
          waiting()
            .select(['requested_at', 'problem'])
            .orderBy('requested_at')
            .orderBy('s3_key')
            .limit(1)
            .executeTakeFirst(),
        ),
      ]);
      return {
        waiting: Number(count),
        oldestMs: oldest?.requested_at.getTime() ?? null,
        problem: oldest?.problem ?? null,
      };
    },
  };
}
