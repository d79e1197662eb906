import type { FastifyInstance } from 'fastify';
import { givenFields } from '../given-fields.ts';
import { insertInvoice, invoiceJson, invoiceOf } from '../invoices.ts';
import type { Storage } from '../storage.ts';
import { requireTransaction } from '../transactions.ts';

/**
 * `POST /invoice/upload_file_direct`: the document of a transaction that is booked already. Document, row and link are
 * there together, or none of them is.
 */
export function uploadFileDirect(app: FastifyInstance, stowage: Storage): void {
  app.post('/invoice/upload_file_direct', async (request, reply) => {
    const user = await stowage.authenticate(request);
    const { asset } = await stowage.receive(request, {
      user,
      assetType: 'invoice',
      inTransaction: async (tx, { asset: document, fields }) => {
        const { transaction_id, currency, amount } = await requireTransaction(
          tx,
          fields.transaction_id,
          user,
        );
        // What is not typed in is known from the booking.
        const values = { currency, total: amount, ...givenFields(fields) };
        await insertInvoice(tx, document, { source: 'hand', values, transactionId: transaction_id });
        const { assetId } = document;
        await tx.link(
          { assetId, recordType: 'transaction', recordId: transaction_id, role: 'invoice' },
          user,
        );
      },
    });
    return reply.code(201).send(invoiceJson(await invoiceOf(stowage, asset)));
  });
}
