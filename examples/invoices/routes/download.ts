import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { asColleague, findInvoice } from '../invoices.ts';
import type { Storage } from '../storage.ts';
import { Uuid } from './schemas.ts';

const Query = Type.Object({ invoice_id: Uuid });

/** `GET /invoice/download?invoice_id=`: on a cloud a URL that reads the document for a while, on local disk the document. */
export function download(app: FastifyInstance, stowage: Storage): void {
  const { backend, signedUrlSeconds: lifetimeSeconds } = stowage.config.storage;
  app.get<{ Querystring: Static<typeof Query> }>(
    '/invoice/download',
    { schema: { querystring: Query } },
    async (request, reply) => {
      const user = await stowage.authenticate(request);
      const { asset_id: assetId } = await findInvoice(stowage, request.query.invoice_id, user);
      const reader = asColleague(user);
      if (backend === 'local') {
        await stowage.send(request, reply, { assetId, user: reader, disposition: 'inline' });
        return;
      }
      const { url, expiresAtMs } = await stowage.signedUrl(assetId, reader, { lifetimeSeconds });
      // Asked again soon the URL is the same one, and has less time left.
      return { download_url: url, expires_in_seconds: Math.floor((expiresAtMs - Date.now()) / 1000) };
    },
  );
}
