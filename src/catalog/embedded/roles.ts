import type { Client } from 'pg';

/** Owns the schema and runs the migrations. */
export const OWNER_ROLE = 'stowage_owner';
/** What the service works as: no superuser, owner of nothing, so the log's triggers bind it. */
export const APP_ROLE = 'stowage_app';
/** The catalog's database within the embedded server. */
export const DATABASE = 'stowage';

/** Makes the roles and the database, as far as they are missing. Connected as the superuser to `postgres`. */
export async function makeRolesAndDatabase(client: Client): Promise<void> {
  // Of two processes that find an empty server, the second waits and finds it done.
  await client.query(`select pg_advisory_lock(hashtext('stowage.setup'))`);
  for (const role of [OWNER_ROLE, APP_ROLE]) {
    const known = await client.query('select from pg_roles where rolname = $1', [role]);
    if (known.rowCount === 0) {
      await client.query(`create role ${role} login nosuperuser nocreatedb nocreaterole nobypassrls`);
    }
  }
  const known = await client.query('select from pg_database where datname = $1', [DATABASE]);
  if (known.rowCount === 0)
    await client.query(`create database ${DATABASE} owner ${OWNER_ROLE} template template0`);
  await client.query(`revoke all on database ${DATABASE} from public`);
  await client.query(`grant connect, create on database ${DATABASE} to ${APP_ROLE}`);
  await client.query(`select pg_advisory_unlock(hashtext('stowage.setup'))`);
}
