import { createHmac, createSecretKey, hkdfSync, type KeyObject, timingSafeEqual } from 'node:crypto';
import { isStowageError, StowageError } from '../../core/errors.ts';
import { type ObjectKey, parseObjectKey } from '../../core/key.ts';
import { signingPeriod } from '../../core/signing-window.ts';
import type {
  ObjectMetadata,
  ReadGrant,
  SignedUrl,
  SignedWrite,
  SignPartOptions,
  SignReadOptions,
  SignWriteOptions,
} from '../backend.ts';
import { type Fields, parseSignedTarget, type SignedTarget, signedTarget } from './signed-target.ts';

/** Signs and verifies URLs of our own: pure computing, a few microseconds each. */
export interface SignedUrls {
  signRead(key: ObjectKey, options: SignReadOptions): SignedUrl;
  signWrite(key: ObjectKey, options: SignWriteOptions): SignedWrite;
  signPart(part: PartName, options: SignPartOptions): SignedWrite;
  /**
   * Checks a URL presented for reading.
   *
   * @param target path and query as they arrived, for example `request.url`.
   * @throws StowageError `forbidden` (forged, altered, or made for another purpose); `expired`, which tells what the URL
   *   allowed, see {@link expiredRead}.
   */
  verifyRead(target: string, nowMs: number): ReadClaims;
  /** Checks a URL presented for storing a whole object; throws as {@link verifyRead} does. */
  verifyWrite(target: string, nowMs: number): WriteClaims;
  /** Checks a URL presented for storing one part; throws as {@link verifyRead} does. */
  verifyPart(target: string, nowMs: number): PartClaims;
}

/** One part of one multi-part upload. */
export interface PartName {
  readonly key: ObjectKey;
  readonly uploadId: string;
  readonly partNumber: number;
}

/** What a verified read URL allows. */
export interface ReadClaims {
  readonly key: ObjectKey;
  readonly expiresAtMs: number;
  readonly contentDisposition: string;
  readonly contentType: string;
  readonly grant: ReadGrant | null;
}

/** What a verified write URL allows. */
export interface WriteClaims {
  readonly key: ObjectKey;
  readonly expiresAtMs: number;
  readonly contentType: string;
  readonly cacheControl: string;
  readonly metadata: ObjectMetadata;
  readonly sizeBytes: number;
  /** 32 bytes; null when the digest was not known at signing. */
  readonly sha256: Buffer | null;
}

/** What a verified part URL allows. */
export interface PartClaims extends PartName {
  readonly expiresAtMs: number;
  readonly sizeBytes: number;
}

type Purpose = 'read' | 'write' | 'part';

/** The parameters of each purpose, in the order that is signed. An optional one that is absent is signed as null. */
const PARAMETERS = {
  read: ['expires', 'type', 'disposition', 'asset', 'user', 'tenant'],
  write: ['expires', 'type', 'cache', 'metadata', 'size', 'sha256'],
  part: ['expires', 'upload', 'part', 'size'],
} as const satisfies Record<Purpose, readonly string[]>;

/** What whoever comes with a URL of another purpose, or with none of ours, is told. */
const NOT_FOR: Readonly<Record<Purpose, string>> = {
  read: 'The URL was not signed for reading a file.',
  write: 'The URL was not signed for writing a file.',
  part: 'The URL was not signed for writing a part of a file.',
};

/** Bound into every signature, so that a later format can't be confused with this one. */
const FORMAT = 'stowage-url-1';

/**
 * Makes the signer of one store. Each purpose has a key of its own, derived from each secret (HKDF-SHA-256, RFC 5869):
 * a URL made for one purpose is noise for another.
 *
 * @param options.publicUrl start of every URL; a path in it is kept. A function is asked at each use.
 * @param options.signingSecrets at least one, newest first: the first signs, all of them verify.
 */
export function createSignedUrls(options: {
  readonly publicUrl: string | (() => string);
  readonly signingSecrets: readonly string[];
}): SignedUrls {
  const { publicUrl } = options;
  const baseUrl = (): string => (typeof publicUrl === 'string' ? publicUrl : publicUrl()).replace(/\/+$/, '');
  const keys = {
    read: deriveKeys(options.signingSecrets, 'read'),
    write: deriveKeys(options.signingSecrets, 'write'),
    part: deriveKeys(options.signingSecrets, 'part'),
  };
  const sign = (purpose: Purpose, key: ObjectKey, fields: Fields): string =>
    baseUrl() + signedTarget(key, fields, signature(keys[purpose][0], purpose, key, fields));
  const verify = (purpose: Purpose, target: string): Verified => {
    const presented = parseSignedTarget(target, PARAMETERS[purpose], pathOf(baseUrl()));
    if (presented === undefined) throw new StowageError('forbidden', NOT_FOR[purpose]);
    requireSignature(keys[purpose], purpose, presented);
    return verified(presented);
  };
  return {
    signRead: (key, asked) => {
      const period = signingPeriod(asked.nowMs, asked.lifetimeSeconds);
      return {
        url: sign('read', key, readFields(asked, period.endSeconds)),
        expiresAtMs: period.endSeconds * 1000,
      };
    },
    signWrite: (key, asked) => {
      const period = signingPeriod(asked.nowMs, asked.lifetimeSeconds);
      const url = sign('write', key, writeFields(asked, period.endSeconds));
      return putInstructions(url, { 'Content-Type': asked.contentType }, period.endSeconds);
    },
    signPart: (part, asked) => {
      const period = signingPeriod(asked.nowMs, asked.lifetimeSeconds);
      const url = sign('part', part.key, partFields(part, asked, period.endSeconds));
      return putInstructions(url, {}, period.endSeconds);
    },
    verifyRead: (target, nowMs) => {
      const claims = readClaims(verify('read', target));
      requireLive(claims, nowMs, new ExpiredRead(claims));
      return claims;
    },
    verifyWrite: (target, nowMs) => writeClaims(requireLive(verify('write', target), nowMs)),
    verifyPart: (target, nowMs) => partClaims(requireLive(verify('part', target), nowMs)),
  };
}

/** The path of an absolute URL, `''` for none. */
function pathOf(url: string): string {
  const slash = url.indexOf('/', url.indexOf('://') + 3);
  return slash < 0 ? '' : url.slice(slash);
}

function deriveKeys(secrets: readonly string[], purpose: Purpose): readonly [KeyObject, ...KeyObject[]] {
  const [first, ...others] = secrets.map((secret) =>
    createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', `${FORMAT}/${purpose}`, 32))),
  );
  if (first === undefined) throw new RangeError('At least one signing secret is needed.');
  return [first, ...others];
}

/** A JSON array of fixed length: nothing can be shifted from one field into the next. */
function signature(secretKey: KeyObject, purpose: Purpose, key: string, fields: Fields): string {
  const signed = [FORMAT, purpose, key, ...PARAMETERS[purpose].map((name) => fields[name] ?? null)];
  return createHmac('sha256', secretKey).update(JSON.stringify(signed)).digest('base64url');
}

function requireSignature(keys: readonly KeyObject[], purpose: Purpose, presented: SignedTarget): void {
  // Compared as text, not decoded: the last base64url character has spare bits that a decoder would ignore.
  const given = Buffer.from(presented.signature);
  let valid = false;
  for (const secretKey of keys) {
    const expected = Buffer.from(signature(secretKey, purpose, presented.key, presented.fields));
    if (expected.byteLength === given.byteLength && timingSafeEqual(expected, given)) valid = true;
  }
  if (!valid) throw new StowageError('forbidden', 'The signature of the URL is not valid.');
}

interface Verified {
  readonly key: ObjectKey;
  readonly fields: Fields;
  readonly expiresAtMs: number;
}

function verified({ key, fields }: SignedTarget): Verified {
  return { key: checkedKey(key), fields, expiresAtMs: Number(fields.expires) * 1000 };
}

/** Called only with a valid signature, so that nobody learns anything about time from a forged URL. */
function requireLive<Claims extends { readonly expiresAtMs: number }>(
  claims: Claims,
  nowMs: number,
  cause?: ExpiredRead,
): Claims {
  if (nowMs < claims.expiresAtMs) return claims;
  throw new StowageError('expired', 'The URL has expired.', { cause });
}

/** The `cause` of `expired`: what the URL allowed. */
class ExpiredRead {
  readonly claims: ReadClaims;

  constructor(claims: ReadClaims) {
    this.claims = claims;
  }
}

/** What an authentic URL had allowed that {@link SignedUrls.verifyRead} found expired; undefined for other errors. */
export function expiredRead(error: unknown): ReadClaims | undefined {
  return isStowageError(error, 'expired') && error.cause instanceof ExpiredRead
    ? error.cause.claims
    : undefined;
}

function checkedKey(key: string): ObjectKey {
  try {
    return parseObjectKey(key);
  } catch (error) {
    if (isStowageError(error)) throw new StowageError('forbidden', 'The URL names no key.', { cause: error });
    throw error;
  }
}

function readFields(asked: SignReadOptions, endSeconds: number): Fields {
  const grant = asked.grant;
  return {
    expires: String(endSeconds),
    type: asked.contentType,
    disposition: asked.contentDisposition,
    asset: grant?.assetId,
    user: grant?.userId,
    tenant: grant?.tenantId,
  };
}

function readClaims({ key, expiresAtMs, fields }: Verified): ReadClaims {
  const { asset, user, tenant } = fields;
  const granted = asset !== undefined && user !== undefined && tenant !== undefined;
  return {
    key,
    expiresAtMs,
    contentType: fields.type ?? '',
    contentDisposition: fields.disposition ?? '',
    grant: granted ? { assetId: asset, userId: user, tenantId: tenant } : null,
  };
}

function writeFields(asked: SignWriteOptions, endSeconds: number): Fields {
  return {
    expires: String(endSeconds),
    type: asked.contentType,
    cache: asked.cacheControl,
    metadata: JSON.stringify(asked.metadata),
    size: String(asked.sizeBytes),
    sha256: asked.sha256 === null ? undefined : Buffer.from(asked.sha256).toString('hex'),
  };
}

function writeClaims({ key, expiresAtMs, fields }: Verified): WriteClaims {
  return {
    key,
    expiresAtMs,
    contentType: fields.type ?? '',
    cacheControl: fields.cache ?? '',
    metadata: JSON.parse(fields.metadata ?? '{}') as ObjectMetadata,
    sizeBytes: Number(fields.size),
    sha256: fields.sha256 === undefined ? null : Buffer.from(fields.sha256, 'hex'),
  };
}

function partFields(part: PartName, asked: SignPartOptions, endSeconds: number): Fields {
  return {
    expires: String(endSeconds),
    upload: part.uploadId,
    part: String(part.partNumber),
    size: String(asked.sizeBytes),
  };
}

function partClaims({ key, expiresAtMs, fields }: Verified): PartClaims {
  return {
    key,
    expiresAtMs,
    uploadId: fields.upload ?? '',
    partNumber: Number(fields.part),
    sizeBytes: Number(fields.size),
  };
}

function putInstructions(url: string, headers: Record<string, string>, endSeconds: number): SignedWrite {
  return { method: 'PUT', url, headers, fields: {}, expiresAtMs: endSeconds * 1000, sizeEnforcedBy: 'store' };
}
