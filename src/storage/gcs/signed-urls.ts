import type { ObjectKey } from '../../core/key.ts';
import { signingPeriod } from '../../core/signing-window.ts';
import type {
  SignedUrl,
  SignedWrite,
  SignPartOptions,
  SignReadOptions,
  SignWriteOptions,
} from '../backend.ts';
import type { GcsClient } from './client.ts';
import { xmlHeadersOf } from './resources.ts';

/** A URL that reads one object. */
export async function presignRead(
  client: GcsClient,
  key: ObjectKey,
  options: SignReadOptions,
): Promise<SignedUrl> {
  const query = {
    'response-content-disposition': options.contentDisposition,
    'response-content-type': options.contentType,
  };
  return presign(client, { method: 'GET', key, query, headers: {} }, options);
}

/** A URL that writes one object of exactly one type, description and size: the store refuses any other. */
export async function presignWrite(
  client: GcsClient,
  key: ObjectKey,
  options: SignWriteOptions,
): Promise<SignedWrite> {
  const headers = {
    ...xmlHeadersOf(options, options.metadata),
    'x-goog-content-length-range': `${options.sizeBytes},${options.sizeBytes}`,
  };
  const signed = await presign(client, { method: 'PUT', key, query: {}, headers }, options);
  return { ...signed, method: 'PUT', headers, fields: {}, sizeEnforcedBy: 'store' };
}

/** A URL that writes one part. The store knows no length range of parts: their sizes are looked at when joined. */
export async function presignPart(
  client: GcsClient,
  key: ObjectKey,
  part: { readonly uploadId: string; readonly partNumber: number },
  options: SignPartOptions,
): Promise<SignedWrite> {
  const query = { partNumber: String(part.partNumber), uploadId: part.uploadId };
  const signed = await presign(client, { method: 'PUT', key, query, headers: {} }, options);
  return { ...signed, method: 'PUT', headers: {}, fields: {}, sizeEnforcedBy: 'completion' };
}

async function presign(
  client: GcsClient,
  request: {
    readonly method: string;
    readonly key: ObjectKey;
    readonly query: Readonly<Record<string, string>>;
    readonly headers: Readonly<Record<string, string>>;
  },
  options: { readonly nowMs: number; readonly lifetimeSeconds: number },
): Promise<SignedUrl> {
  client.assertOpen();
  const { startSeconds, endSeconds } = signingPeriod(options.nowMs, options.lifetimeSeconds);
  const path = client.xmlPath(request.key);
  const { method, query, headers } = request;
  const signed = await client.signer.presign(
    { method, host: client.host, path, query, headers },
    { startMs: startSeconds * 1000, lifetimeSeconds: options.lifetimeSeconds },
  );
  return { url: `${client.origin}${path}?${signed}`, expiresAtMs: endSeconds * 1000 };
}
