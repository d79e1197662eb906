import type { ObjectKey } from '../../core/key.ts';
import { signingPeriod } from '../../core/signing-window.ts';
import type {
  SignedUrl,
  SignedWrite,
  SignPartOptions,
  SignReadOptions,
  SignWriteOptions,
} from '../backend.ts';
import type { S3Client } from './client.ts';
import type { S3Options } from './options.ts';
import { encodeKey, type S3Credentials } from './sign.ts';

const FORM_NAMES: Readonly<Record<string, string>> = {
  'content-type': 'Content-Type',
  'cache-control': 'Cache-Control',
};

/** A URL that reads one object. */
export function presignRead(
  client: S3Client,
  credentials: S3Credentials,
  key: ObjectKey,
  options: SignReadOptions,
): SignedUrl {
  const query = {
    'response-content-disposition': options.contentDisposition,
    'response-content-type': options.contentType,
  };
  return presign(client, credentials, { method: 'GET', key, query, headers: {} }, options);
}

/** Instructions that write one object of exactly one type and size. */
export function presignWrite(
  client: S3Client,
  credentials: S3Credentials,
  options: S3Options,
  key: ObjectKey,
  headers: Readonly<Record<string, string>>,
  write: SignWriteOptions,
): SignedWrite {
  const checksum: Record<string, string> =
    write.sha256 === null ? {} : { 'x-amz-checksum-sha256': Buffer.from(write.sha256).toString('base64') };
  if (options.signedWrite === 'post')
    return presignPost(client, credentials, options, key, { ...headers, ...checksum }, write);
  const sent = { ...headers, ...checksum, 'content-length': String(write.sizeBytes) };
  const { url, expiresAtMs } = presign(
    client,
    credentials,
    { method: 'PUT', key, query: {}, headers: sent },
    write,
  );
  return { method: 'PUT', url, headers: sent, fields: {}, expiresAtMs, sizeEnforcedBy: 'store' };
}

/** A URL that writes one part of exactly one size. */
export function presignPart(
  client: S3Client,
  credentials: S3Credentials,
  key: ObjectKey,
  part: { readonly uploadId: string; readonly partNumber: number },
  options: SignPartOptions,
): SignedWrite {
  const headers = { 'content-length': String(options.sizeBytes) };
  const query = { partNumber: String(part.partNumber), uploadId: part.uploadId };
  const { url, expiresAtMs } = presign(client, credentials, { method: 'PUT', key, query, headers }, options);
  return { method: 'PUT', url, headers, fields: {}, expiresAtMs, sizeEnforcedBy: 'store' };
}

// A POST policy is the one instruction by which S3 itself refuses another size than the one announced.
function presignPost(
  client: S3Client,
  credentials: S3Credentials,
  options: S3Options,
  key: ObjectKey,
  headers: Readonly<Record<string, string>>,
  write: SignWriteOptions,
): SignedWrite {
  const { startSeconds, endSeconds } = signingPeriod(write.nowMs, write.lifetimeSeconds);
  const named: Record<string, string> = { key };
  // Form fields are told apart by case in some stores: these two are spelt as the standard spells them.
  for (const [name, value] of Object.entries(headers)) named[FORM_NAMES[name] ?? name] = value;
  const conditions: unknown[] = [
    { bucket: options.bucket },
    ...Object.entries(named).map(([name, value]) => ({ [name]: value })),
    ['content-length-range', write.sizeBytes, write.sizeBytes],
  ];
  const signed = client.signer.signPolicy(conditions, credentials, startSeconds * 1000, endSeconds * 1000);
  const { origin, basePath } = client.publicAddress;
  return {
    method: 'POST',
    url: `${origin}${basePath === '/' ? '/' : basePath.slice(0, -1)}`,
    headers: {},
    fields: { ...named, ...signed },
    expiresAtMs: endOf(endSeconds, credentials),
    sizeEnforcedBy: 'store',
  };
}

function presign(
  client: S3Client,
  credentials: S3Credentials,
  request: {
    readonly method: string;
    readonly key: ObjectKey;
    readonly query: Readonly<Record<string, string>>;
    readonly headers: Readonly<Record<string, string>>;
  },
  options: { readonly nowMs: number; readonly lifetimeSeconds: number },
): SignedUrl {
  const { startSeconds, endSeconds } = signingPeriod(options.nowMs, options.lifetimeSeconds);
  const { origin, host, basePath } = client.publicAddress;
  const path = basePath + encodeKey(request.key);
  const { method, query, headers } = request;
  const signed = client.signer.presign({ method, host, path, query, headers }, credentials, {
    startMs: startSeconds * 1000,
    lifetimeSeconds: options.lifetimeSeconds,
  });
  return { url: `${origin}${path}?${signed}`, expiresAtMs: endOf(endSeconds, credentials) };
}

// The store refuses a signature of temporary credentials from their end on, whatever the URL says.
function endOf(endSeconds: number, credentials: S3Credentials): number {
  return Math.min(endSeconds * 1000, credentials.expiresAtMs ?? Number.POSITIVE_INFINITY);
}
