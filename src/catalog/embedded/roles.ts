import type { Client } from 'pg';

/** Owns the schema and runs the migrations. */
export const OWNER_ROLE = 'stowage_owner';
/** What the service works as: no superuser, owner of nothing, so the log's triggers bind it. */
export const APP_ROLE = 'stowage_app';
/** The catalog's database within the embedded server. */
export const DATABASE = 'stowage';

/** Whether everything is there: what the service may do with the database is granted last, and with it all else is done. */
export async function isSetUp(client: Client): Promise<boolean> {
  const granted = await client.query(
    `select from pg_database, aclexplode(datacl) as given join pg_roles on pg_roles.oid = given.grantee
     where datname = $1 and rolname = $2 and privilege_type = 'CREATE'`,
    [DATABASE, APP_ROLE],
  );
  return granted.rowCount !== 0;
}

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
  // As one transaction: nobody finds the one without the other.
  await client.query(
    `revoke all on database ${DATABASE} from public; grant connect, create on database ${DATABASE} to ${APP_ROLE}`,
  );
  await client.query(`select pg_advisory_unlock(hashtext('stowage.setup'))`);
}
