import type { FastifyInstance } from 'fastify';
import { insertInvoice, invoiceJson, invoiceOf } from '../invoices.ts';
import { readStored } from '../read-stored.ts';
import type { Storage } from '../storage.ts';

/**
 * `POST /invoice/upload_file_auto`: a document whose fields are read out of it, each with a confidence. It is stored
 * first: what can't be read is there all the same, and says so.
 */
export function uploadFileAuto(app: FastifyInstance, stowage: Storage): void {
  app.post('/invoice/upload_file_auto', async (request, reply) => {
    const user = await stowage.authenticate(request);
    const { asset, replayed } = await stowage.receive(request, {
      user,
      assetType: 'invoice',
      inTransaction: (tx, received) => insertInvoice(tx, received.asset, { source: 'unread' }),
    });
    if (!replayed) await readStored(stowage, await invoiceOf(stowage, asset), user);
    return reply.code(201).send(invoiceJson(await invoiceOf(stowage, asset)));
  });
}
