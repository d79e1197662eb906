import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { findInvoice } from '../invoices.ts';
import type { Storage } from '../storage.ts';
import { Uuid } from './schemas.ts';

const Params = Type.Object({ invoice_id: Uuid });

/** `DELETE /invoice/{invoice_id}`: for who uploaded it and for admins. One that belongs to a transaction stays: `conflict`. */
export function remove(app: FastifyInstance, stowage: Storage): void {
  app.delete<{ Params: Static<typeof Params> }>(
    '/invoice/:invoice_id',
    { schema: { params: Params } },
    async (request, reply) => {
      const user = await stowage.authenticate(request);
      const { asset_id } = await findInvoice(stowage, request.params.invoice_id, user);
      await stowage.delete(asset_id, user, {
        inTransaction: (tx) => tx.query('delete from invoices where asset_id = $1', [asset_id]),
      });
      return reply.code(204).send();
    },
  );
}
