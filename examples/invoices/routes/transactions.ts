import { randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { givenFields } from '../given-fields.ts';
import type { Storage } from '../storage.ts';
import { BOOKING_COLUMNS, type Booking } from '../transactions.ts';
import { Limit } from './schemas.ts';

const Body = Type.Object({
  booked_on: Type.String(),
  description: Type.String({ minLength: 1, maxLength: 500 }),
  currency: Type.String(),
  amount: Type.String(),
});
const Query = Type.Object({ limit: Limit });

/** `POST /transactions` and `GET /transactions`: what the company has booked, the latest first. */
export function transactions(app: FastifyInstance, stowage: Storage): void {
  app.post<{ Body: Static<typeof Body> }>(
    '/transactions',
    { schema: { body: Body } },
    async (request, reply) => {
      const { tenantId } = await stowage.authenticate(request);
      const { booked_on, description, currency, amount } = request.body;
      givenFields({ date: booked_on, currency, total: amount }, ['date', 'currency', 'total']);
      const { rows } = await stowage.database.query<Booking>(
        `insert into transactions (transaction_id, tenant_id, booked_on, description, currency, amount)
       values ($1, $2, $3, $4, $5, $6) returning ${BOOKING_COLUMNS}`,
        [randomUUID(), tenantId, booked_on, description, currency, amount],
      );
      return reply.code(201).send(rows[0]);
    },
  );

  app.get<{ Querystring: Static<typeof Query> }>(
    '/transactions',
    { schema: { querystring: Query } },
    async (request) => {
      const { tenantId } = await stowage.authenticate(request);
      const { rows } = await stowage.database.query<Booking>(
        `select ${BOOKING_COLUMNS} from transactions where tenant_id = $1
         order by booked_on desc, transaction_id limit $2`,
        [tenantId, request.query.limit],
      );
      return { transactions: rows };
    },
  );
}
