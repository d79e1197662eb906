import type { FastifyInstance } from 'fastify';
import { givenFields, REQUIRED_FIELDS } from '../given-fields.ts';
import { insertInvoice, invoiceJson, invoiceOf } from '../invoices.ts';
import type { Storage } from '../storage.ts';

/** `POST /invoice/upload_file`: a document, and what it says typed in by hand. */
export function uploadFile(app: FastifyInstance, stowage: Storage): void {
  app.post('/invoice/upload_file', async (request, reply) => {
    const { asset } = await stowage.receive(request, {
      assetType: 'invoice',
      inTransaction: (tx, received) =>
        insertInvoice(tx, received.asset, {
          source: 'hand',
          values: givenFields(received.fields, REQUIRED_FIELDS),
        }),
    });
    return reply.code(201).send(invoiceJson(await invoiceOf(stowage, asset)));
  });
}
