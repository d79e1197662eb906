import { type Caller, isStowageError } from 'stowage';
import type { Invoice } from './invoices.ts';
import { FIELD_NAMES, type ReadInvoice } from './reading/invoice-fields.ts';
import { readInvoice } from './reading/read-invoice.ts';
import type { Storage } from './storage.ts';

/**
 * Reads the fields of a stored document and writes them down. When that can't be done now, the document stays `unread`
 * and says so: it is kept, and nobody has to send it again.
 */
export async function readStored(
  stowage: Storage,
  { asset_id }: Pick<Invoice, 'asset_id'>,
  user: Caller,
): Promise<void> {
  try {
    await save(stowage, asset_id, await read(stowage, asset_id, user));
  } catch (error) {
    if (!isStowageError(error)) throw error;
    await stowage.database.query(
      `update invoices set message = $2 where asset_id = $1 and source = 'unread'`,
      [asset_id, 'The document is kept, but could not be read now. Please try again.'],
    );
  }
}

/** The access log says that it was this program that looked, on behalf of the user. */
async function read(stowage: Storage, assetId: string, user: Caller): Promise<ReadInvoice> {
  const origin = user.origin && { ...user.origin, userAgent: 'invoices: reading the fields' };
  // A colleague may ask for it again.
  const reader: Caller = { ...user, role: 'admin', ...(origin && { origin }) };
  const { asset, body } = await stowage.download(assetId, reader);
  const bytes = new Uint8Array(asset.sizeBytes);
  let at = 0;
  for await (const chunk of body) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return await readInvoice(bytes, asset.mediaType);
}

async function save(
  stowage: Storage,
  assetId: string,
  { source, fields, message }: ReadInvoice,
): Promise<void> {
  const read = FIELD_NAMES.flatMap((name) => {
    const confidence = fields[name]?.confidence;
    return confidence === undefined ? [] : [[name, confidence] as const];
  });
  const assignments = FIELD_NAMES.map((name, index) => `${name} = $${index + 5}`).join(', ');
  // Only what is unread: a person may have typed the fields in meanwhile.
  await stowage.database.query(
    `update invoices set source = $2, confidence = $3, message = $4, ${assignments}
     where asset_id = $1 and source = 'unread' and confidence = '{}'`,
    [
      assetId,
      source,
      Object.fromEntries(read),
      message,
      ...FIELD_NAMES.map((name) => fields[name]?.value ?? null),
    ],
  );
}
