import { DatabaseError } from 'pg';
import { isStowageError, StowageError } from '../core/errors.ts';

/** Seconds after which asking an unreachable database again makes sense: an embedded one is back by then. */
const RETRY_AFTER_SECONDS = 2;

/**
 * SQLSTATEs that a later try may not see: connection failures (08), the server out of connections, memory or disk (53),
 * shutting down or starting (57P), a standby (25006), a cancelled statement (57014: too slow), a lost race (40).
 */
const UNAVAILABLE = /^(08...|53...|57P0[1-5]|57014|25006|40001|40P01|55P03)$/;
const SYSTEM = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);
/** The driver's own failures have no code. */
const DRIVER =
  /^(timeout exceeded when trying to connect|timeout expired|Connection terminated|Query read timeout|Client has encountered a connection error|Client was closed|Cannot use a pool after calling end)/;

/** Turns what the driver threw into `database_unavailable` where that is the cause; anything else stays what it is. */
export function translateError(error: unknown): unknown {
  if (!(error instanceof Error) || isStowageError(error)) return error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (!UNAVAILABLE.test(code) && !SYSTEM.has(code) && !DRIVER.test(error.message)) return error;
  return new StowageError('database_unavailable', 'The database is not available.', {
    cause: error,
    fields: { retry_after_seconds: RETRY_AFTER_SECONDS },
  });
}

/**
 * Whether the server itself said that a statement failed, so that nothing of it stays. A lost connection (08), an
 * unknown end (40003), a server that ends (57P) or is broken (58, XX) and failures on our side leave that open.
 */
export function wasRolledBack(error: unknown): boolean {
  // Not by severity: the server translates that word.
  if (!(error instanceof DatabaseError) || error.code === undefined) return false;
  return /^[0-9A-Z]{5}$/.test(error.code) && !/^(08...|40003|57P..|58...|XX...)$/.test(error.code);
}

/** Whether a query failed without a word of the server: its connection is broken, or it stands still. */
export function wasUnanswered(error: unknown): boolean {
  const translated = translateError(error);
  if (!isStowageError(translated, 'database_unavailable') || translated.cause === undefined) return false;
  return !(translated.cause instanceof DatabaseError);
}

/** Awaits a query and translates its failure. */
export async function translated<Result>(query: Promise<Result>): Promise<Result> {
  try {
    return await query;
  } catch (error) {
    throw translateError(error);
  }
}
