import type { ClientBase, Pool, PoolClient } from 'pg';
import { StowageError } from '../core/errors.ts';
import { wasRolledBack, wasUnanswered } from './errors.ts';

/**
 * A transaction that somebody else begins and ends: it runs `work` on its connection, and is fulfilled when what `work`
 * wrote is durable. When it rejects, nothing was written, unless {@link isEndUnknown} says so of the error.
 */
export type Within = <Result>(work: (client: ClientBase) => Promise<Result>) => Promise<Result>;

/** The `cause` of a failure that came while the transaction was being committed. */
class EndUnknown extends Error {
  override readonly name = 'EndUnknown';
}

/** Whether a transaction may have been committed although it was reported as failed: its connection broke at the end. */
export function isEndUnknown(error: unknown): boolean {
  return error instanceof StowageError && error.cause instanceof EndUnknown;
}

/**
 * Runs `work` in a transaction on a connection of its own. What `work` throws rolls it back and is thrown as it is.
 *
 * @throws what `work` and the server throw; `database_unavailable` when it is not known whether the commit happened.
 */
export async function inTransaction<Result>(
  pool: Pool,
  work: (client: ClientBase) => Promise<Result>,
): Promise<Result> {
  const client = await pool.connect();
  let broken: unknown;
  try {
    await client.query('begin');
    const result = await work(client);
    await commit(client);
    return result;
  } catch (error) {
    // A server that does not answer would not answer a rollback either: without its connection it rolls back by itself.
    if (isEndUnknown(error) || wasUnanswered(error)) broken = error;
    else await client.query('rollback').catch((failure: unknown) => (broken = failure));
    throw error;
  } finally {
    client.release(broken !== undefined);
  }
}

async function commit(client: PoolClient): Promise<void> {
  let command: string;
  try {
    ({ command } = await client.query('commit'));
  } catch (error) {
    if (wasRolledBack(error)) throw error;
    const message = 'It is not known whether the database recorded this.';
    throw new StowageError('database_unavailable', message, {
      cause: new EndUnknown('The connection broke during the commit.', { cause: error }),
    });
  }
  // A statement failed and its error was swallowed: the server answers ROLLBACK to the commit.
  if (command === 'ROLLBACK') {
    throw new Error('A statement of the transaction failed and its error was ignored: nothing was recorded.');
  }
}
