import { randomUUID } from 'node:crypto';
import { type Asset, type Caller, StowageError, type Transaction } from 'stowage';
import { FIELD_NAMES, type FieldName } from './reading/invoice-fields.ts';
import type { Storage } from './storage.ts';

/** Values of an invoice; null: not known. */
export type InvoiceValues = Readonly<Partial<Record<FieldName, string | null>>>;

/** An invoice as the database has it. Amounts are text: money is never counted in floating point. */
export interface Invoice extends Readonly<Record<FieldName, string | null>> {
  readonly invoice_id: string;
  readonly tenant_id: string;
  readonly user_id: string;
  readonly asset_id: string;
  readonly s3_key: string;
  readonly filename: string;
  readonly transaction_id: string | null;
  readonly source: string;
  readonly confidence: Readonly<Partial<Record<FieldName, number>>>;
  readonly message: string | null;
  readonly created_at: Date;
}

export const COLUMNS = `invoice_id, tenant_id, user_id, asset_id, s3_key, filename, transaction_id, number,
  to_char(date, 'YYYY-MM-DD') as date, supplier, currency, net, tax, total, source, confidence, message, created_at`;

/** Writes the row of a document, in the transaction that records its asset. */
export async function insertInvoice(
  tx: Pick<Transaction, 'query'>,
  asset: Asset,
  { source, values = {}, transactionId = null }: NewInvoice,
): Promise<void> {
  const given = FIELD_NAMES.map((name) => values[name] ?? null);
  await tx.query(
    `insert into invoices (invoice_id, tenant_id, user_id, asset_id, s3_key, filename, source, transaction_id,
       ${FIELD_NAMES.join(', ')}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
    [
      ...[randomUUID(), asset.tenantId, asset.userId, asset.assetId, asset.key, asset.filename, source],
      ...[transactionId, ...given],
    ],
  );
}

interface NewInvoice {
  readonly source: 'hand' | 'unread';
  readonly values?: InvoiceValues;
  readonly transactionId?: string | null;
}

/** The invoice that a request names, if it is one of the user's company. @throws StowageError `not_found`. */
export async function findInvoice(stowage: Storage, invoiceId: string, user: Caller): Promise<Invoice> {
  const { rows } = await stowage.database.query<Invoice>(
    `select ${COLUMNS} from invoices where invoice_id = $1 and tenant_id = $2`,
    [invoiceId, user.tenantId],
  );
  return found(rows[0]);
}

/** The invoice of an asset that was just stored, or stored before by the same request. */
export async function invoiceOf(stowage: Storage, { assetId }: Asset): Promise<Invoice> {
  const { rows } = await stowage.database.query<Invoice>(
    `select ${COLUMNS} from invoices where asset_id = $1`,
    [assetId],
  );
  return found(rows[0]);
}

export function found(invoice: Invoice | undefined): Invoice {
  if (invoice === undefined) throw new StowageError('not_found', 'There is no such invoice.');
  return invoice;
}

/** Colleagues see each other's invoices: that is this application's rule, said to Stowage call by call. */
export function asColleague<User extends Caller>(user: User): User & { readonly role: 'admin' } {
  return { ...user, role: 'admin' };
}

/** An invoice as the routes answer it. */
export function invoiceJson({ tenant_id: _tenant, s3_key, ...invoice }: Invoice) {
  return { ...invoice, key: s3_key };
}
