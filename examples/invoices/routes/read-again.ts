import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { findInvoice, invoiceJson } from '../invoices.ts';
import { readStored } from '../read-stored.ts';
import type { Storage } from '../storage.ts';
import { Uuid } from './schemas.ts';

const Params = Type.Object({ invoice_id: Uuid });

/** `POST /invoice/{invoice_id}/read`: for a document that is still `unread`, after a crash or at a busy moment. */
export function readAgain(app: FastifyInstance, stowage: Storage): void {
  app.post<{ Params: Static<typeof Params> }>(
    '/invoice/:invoice_id/read',
    { schema: { params: Params } },
    async (request) => {
      const user = await stowage.authenticate(request);
      const invoice = await findInvoice(stowage, request.params.invoice_id, user);
      if (invoice.source === 'unread') await readStored(stowage, invoice, user);
      return invoiceJson(await findInvoice(stowage, request.params.invoice_id, user));
    },
  );
}
