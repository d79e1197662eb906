import { type Caller, StowageError, type Transaction } from 'stowage';

/** A booking, as the routes answer it. */
export interface Booking {
  readonly transaction_id: string;
  readonly booked_on: string;
  readonly description: string;
  readonly currency: string;
  readonly amount: string;
}

export const BOOKING_COLUMNS = `transaction_id, to_char(booked_on, 'YYYY-MM-DD') as booked_on, description, currency, amount`;

/**
 * The booking that a form names, of the user's company. It stays until the transaction ends.
 *
 * @throws StowageError `missing_field`, `not_found`.
 */
export async function requireTransaction(
  tx: Pick<Transaction, 'query'>,
  transactionId: string | undefined,
  { tenantId }: Caller,
): Promise<Booking> {
  if (transactionId === undefined) {
    const fields = { parameter: 'transaction_id' };
    throw new StowageError('missing_field', 'The field transaction_id is missing.', { fields });
  }
  const isUuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(transactionId);
  const { rows } = await tx.query<Booking>(
    `select ${BOOKING_COLUMNS} from transactions where transaction_id = $1 and tenant_id = $2 for share`,
    [isUuid ? transactionId : null, tenantId],
  );
  const [booking] = rows;
  if (booking === undefined) throw new StowageError('not_found', 'There is no such transaction.');
  return booking;
}
