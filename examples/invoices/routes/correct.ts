import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { givenFields } from '../given-fields.ts';
import { COLUMNS, found, type Invoice, invoiceJson } from '../invoices.ts';
import { FIELD_NAMES } from '../reading/invoice-fields.ts';
import type { Storage } from '../storage.ts';
import { Uuid } from './schemas.ts';

const Params = Type.Object({ invoice_id: Uuid });
const Body = Type.Partial(
  Type.Object({
    number: Type.String(),
    date: Type.String(),
    supplier: Type.String(),
    currency: Type.String(),
    net: Type.String(),
    tax: Type.String(),
    total: Type.String(),
  }),
  { additionalProperties: false, minProperties: 1 },
);

/** `PATCH /invoice/{invoice_id}`: what a person has looked at is certain. */
export function correct(app: FastifyInstance, stowage: Storage): void {
  app.patch<{ Params: Static<typeof Params>; Body: Static<typeof Body> }>(
    '/invoice/:invoice_id',
    { schema: { params: Params, body: Body } },
    async (request) => {
      const { tenantId } = await stowage.authenticate(request);
      const values = givenFields(request.body);
      const names = FIELD_NAMES.filter((name) => values[name] !== undefined);
      const certain = Object.fromEntries(names.map((name) => [name, 1]));
      const changes = names.map((name, index) => `${name} = $${index + 4}`);
      const { rows } = await stowage.database.query<Invoice>(
        `update invoices set ${['confidence = confidence || $3', `source = case source when 'unread' then 'hand' else source end`, ...changes].join(', ')}
         where invoice_id = $1 and tenant_id = $2 returning ${COLUMNS}`,
        [request.params.invoice_id, tenantId, certain, ...names.map((name) => values[name])],
      );
      return invoiceJson(found(rows[0]));
    },
  );
}
