import { randomUUID } from 'node:crypto';
import { type Caller, StowageError, type Transaction } from 'stowage';
import type { Storage } from '../storage.ts';
import { hashPassword } from './passwords.ts';

/** Who logs in, and for which company. */
export interface Account {
  readonly userId: string;
  readonly tenantId: string;
  readonly role: 'user' | 'admin';
  readonly passwordHash: string;
}

/** @param email in lower case, as the routes' schemas leave it. */
export async function findAccount(stowage: Storage, email: string): Promise<Account | undefined> {
  const { rows } = await stowage.database.query<Account>(
    `select user_id as "userId", tenant_id as "tenantId", role, password_hash as "passwordHash"
     from users where email = $1`,
    [email],
  );
  return rows[0];
}

/** Makes a company with its first user, who may add others. @throws StowageError `conflict`. */
export async function createCompany(
  stowage: Storage,
  {
    company,
    email,
    password,
  }: { readonly company: string; readonly email: string; readonly password: string },
): Promise<Caller> {
  const passwordHash = await hashPassword(password);
  return await stowage.transaction(async (tx) => {
    const tenantId = randomUUID();
    await tx.query('insert into tenants (tenant_id, name) values ($1, $2)', [tenantId, company]);
    return await insertUser(tx, { tenantId, email, passwordHash, role: 'admin' });
  });
}

/** Adds a colleague to a company. @throws StowageError `conflict`; `forbidden` when its users come from elsewhere. */
export async function addColleague(
  stowage: Storage,
  tenantId: string,
  { email, password }: { readonly email: string; readonly password: string },
): Promise<Caller> {
  const { rowCount } = await stowage.database.query('select from tenants where tenant_id::text = $1', [
    tenantId,
  ]);
  if (rowCount !== 1) throw new StowageError('forbidden', 'The users of your company are not kept here.');
  const passwordHash = await hashPassword(password);
  return await stowage.transaction((tx) => insertUser(tx, { tenantId, email, passwordHash, role: 'user' }));
}

async function insertUser(
  tx: Pick<Transaction, 'query'>,
  { tenantId, email, passwordHash, role }: Omit<Account, 'userId'> & { readonly email: string },
): Promise<Caller> {
  const userId = randomUUID();
  const { rowCount } = await tx.query(
    `insert into users (user_id, tenant_id, email, password_hash, role) values ($1, $2, $3, $4, $5)
     on conflict (email) do nothing`,
    [userId, tenantId, email, passwordHash, role],
  );
  if (rowCount !== 1) throw new StowageError('conflict', 'Somebody has this e-mail address already.');
  return { userId, tenantId, role };
}
