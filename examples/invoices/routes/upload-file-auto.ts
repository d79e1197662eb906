import type { FastifyInstance } from 'fastify';
import type { Asset, Caller } from 'stowage';
import { insertInvoice, invoiceJson, invoiceOf } from '../invoices.ts';
import { FIELD_NAMES, type ReadInvoice } from '../reading/invoice-fields.ts';
import { readInvoice } from '../reading/read-invoice.ts';
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
    if (!replayed) await saveReading(stowage, asset, await readAsset(stowage, asset, user));
    return reply.code(201).send(invoiceJson(await invoiceOf(stowage, asset)));
  });
}

/** Reads the stored document. The access log says that it was this program that looked, on behalf of the user. */
async function readAsset(stowage: Storage, asset: Asset, user: Caller): Promise<ReadInvoice> {
  const origin = user.origin && { ...user.origin, userAgent: 'invoices: reading the fields' };
  const { body } = await stowage.download(asset.assetId, { ...user, ...(origin && { origin }) });
  const bytes = new Uint8Array(asset.sizeBytes);
  let at = 0;
  for await (const chunk of body) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return await readInvoice(bytes, asset.mediaType);
}

async function saveReading(
  stowage: Storage,
  asset: Asset,
  { source, fields, message }: ReadInvoice,
): Promise<void> {
  const confidence = Object.fromEntries(
    FIELD_NAMES.flatMap((name) => {
      const field = fields[name];
      return field === undefined ? [] : [[name, field.confidence]];
    }),
  );
  const assignments = FIELD_NAMES.map((name, index) => `${name} = $${index + 5}`).join(', ');
  await stowage.database.query(
    `update invoices set source = $2, confidence = $3, message = $4, ${assignments} where asset_id = $1`,
    [asset.assetId, source, confidence, message, ...FIELD_NAMES.map((name) => fields[name]?.value ?? null)],
  );
}
