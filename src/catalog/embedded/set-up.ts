import { Client, type ClientConfig } from 'pg';
import { translated } from '../errors.ts';
import { endClient } from './end-client.ts';
import { isSetUp, makeRolesAndDatabase } from './roles.ts';

/** How long the server may take for one answer while it is set up, in milliseconds: making a database copies files. */
const ANSWER_MS_MAX = 60_000;

/**
 * Makes the roles and the database in a fresh server; one that has them is left alone.
 *
 * @param setup how to connect as superuser.
 * @throws StowageError `database_unavailable` when the server ends meanwhile, or does not answer in time.
 */
export async function setUpServer(setup: ClientConfig, answerMsMax: number = ANSWER_MS_MAX): Promise<void> {
  const client = new Client({ ...setup, connectionTimeoutMillis: answerMsMax, query_timeout: answerMsMax });
  // The end of the connection also rejects the query in flight, which is where it is handled.
  client.on('error', () => undefined);
  await translated(client.connect());
  try {
    if (!(await translated(isSetUp(client)))) await translated(makeRolesAndDatabase(client));
  } finally {
    await endClient(client);
  }
}
