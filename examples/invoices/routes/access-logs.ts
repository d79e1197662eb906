import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { asColleague, findInvoice } from '../invoices.ts';
import type { Storage } from '../storage.ts';
import { Limit, Uuid } from './schemas.ts';

const Query = Type.Object({
  invoice_id: Type.Optional(Uuid),
  user_id: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
  from: Type.Optional(Type.String({ format: 'date-time' })),
  to: Type.Optional(Type.String({ format: 'date-time' })),
  limit: Limit,
  cursor: Type.Optional(Type.String({ maxLength: 500 })),
});

/** `GET /file_access_logs`: who read or changed what. Of one invoice for everybody in the company; all of it for admins. */
export function accessLogs(app: FastifyInstance, stowage: Storage): void {
  app.get<{ Querystring: Static<typeof Query> }>(
    '/file_access_logs',
    { schema: { querystring: Query } },
    async (request) => {
      const user = await stowage.authenticate(request);
      const { invoice_id, user_id: userId, from, to, limit, cursor } = request.query;
      const page = {
        limit,
        ...(userId && { userId }),
        ...(from && { fromMs: Date.parse(from) }),
        ...(to && { toMs: Date.parse(to) }),
        ...(cursor && { cursor }),
      };
      if (invoice_id === undefined) return await stowage.accessLog(user, page);
      const { asset_id: assetId } = await findInvoice(stowage, invoice_id, user);
      return await stowage.accessLog(asColleague(user), { ...page, assetId });
    },
  );
}
