import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { COLUMNS, type Invoice, invoiceJson } from '../invoices.ts';
import type { Storage } from '../storage.ts';
import { Limit, Uuid } from './schemas.ts';

const Query = Type.Object({ limit: Limit, after: Type.Optional(Uuid) });

/** `GET /invoices`: the company's, newest first. `after` is the last one of the page before. */
export function list(app: FastifyInstance, stowage: Storage): void {
  app.get<{ Querystring: Static<typeof Query> }>(
    '/invoices',
    { schema: { querystring: Query } },
    async (request) => {
      const { tenantId } = await stowage.authenticate(request);
      const { limit, after = null } = request.query;
      const { rows } = await stowage.database.query<Invoice>(
        `select ${COLUMNS} from invoices where tenant_id = $1 and ($2::uuid is null or (created_at, invoice_id) <
           (select created_at, invoice_id from invoices where invoice_id = $2 and tenant_id = $1))
         order by created_at desc, invoice_id desc limit $3`,
        [tenantId, after, limit],
      );
      return {
        invoices: rows.map(invoiceJson),
        next: rows.length === limit ? rows.at(-1)?.invoice_id : null,
      };
    },
  );
}
