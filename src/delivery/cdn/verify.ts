import ipaddr from 'ipaddr.js';
import { StowageError } from '../../core/errors.ts';
import type { ObjectKey } from '../../core/key.ts';
import type { CdnSigner } from './cdn.ts';
import { keyBelow, PRIVATE_PREFIX } from './paths.ts';
import { isCanned, parsePolicy, policyText, type ReadPolicy } from './policy.ts';
import { decodeFromUrl, HASH_ALGORITHM, isSignedPolicy } from './sign.ts';

/** The parameters of a signature. An edge that checks signatures takes them away before it asks the origin. */
const SIGNATURE_PARAMETERS = ['Expires', 'Policy', 'Key-Pair-Id', 'Signature', 'Hash-Algorithm'] as const;

/** What a request at the origin may read. */
export interface CdnRead {
  readonly key: ObjectKey;
  /** When the URL ends, milliseconds since the epoch. */
  readonly expiresAtMs: number;
  /** Whether a cache may give the answer to whoever has the same URL: false when it is bound to an address. */
  readonly isCacheable: boolean;
}

/** Whether a request brings a signature at all. */
export function hasSignature(target: string): boolean {
  return splitQuery(target).signature.size > 0;
}

/**
 * Checks a CloudFront signed URL where no edge has: behind a cache that only forwards, this service does what
 * CloudFront would.
 *
 * @param target path and query of the request, as it came.
 * @param url what clients reach the CDN by: the signature is of the whole URL.
 * @throws StowageError `forbidden` when the URL is forged, changed, not valid yet or not for this address; `expired`.
 */
export function verifyCdnRead(target: string, { url, signer, nowMs, ipAddress }: VerifyOptions): CdnRead {
  const { resource, signature } = splitQuery(target);
  const key = keyBelow(PRIVATE_PREFIX, target);
  if (key === undefined) throw new StowageError('not_found', 'There is no such asset.');
  const policy = readPolicy(url + resource, signature);
  if (
    policy === undefined ||
    signature.get('Key-Pair-Id') !== signer.keyPairId ||
    signature.get('Hash-Algorithm') !== HASH_ALGORITHM ||
    !isSignedPolicy(policy.text, signature.get('Signature') ?? '', signer.publicKey) ||
    !isCoveredBy(url + resource, policy.resource)
  ) {
    throw new StowageError('forbidden', 'The URL is not one that was issued.');
  }
  if (nowMs >= policy.endSeconds * 1000) throw new StowageError('expired', 'The URL has expired.');
  if (policy.startSeconds !== null && nowMs < policy.startSeconds * 1000) {
    throw new StowageError('forbidden', 'The URL is not valid yet.');
  }
  if (policy.ipRange !== null && !isInRange(ipAddress, policy.ipRange)) {
    throw new StowageError('forbidden', 'The URL was issued for another address.');
  }
  return { key, expiresAtMs: policy.endSeconds * 1000, isCacheable: policy.ipRange === null };
}

export interface VerifyOptions {
  readonly url: string;
  readonly signer: Pick<CdnSigner, 'publicKey' | 'keyPairId'>;
  readonly nowMs: number;
  /** Of the client. */
  readonly ipAddress: string;
}

function readPolicy(
  resource: string,
  signature: ReadonlyMap<string, string>,
): (ReadPolicy & { readonly text: string }) | undefined {
  const expires = signature.get('Expires');
  const encoded = signature.get('Policy');
  if ((expires === undefined) === (encoded === undefined)) return undefined;
  if (expires !== undefined) {
    if (!/^\d{1,12}$/.test(expires)) return undefined;
    const canned = { resource, endSeconds: Number(expires), startSeconds: null, ipRange: null };
    // What looks like a wildcard was never signed without its policy.
    return isCanned(canned) ? { ...canned, text: policyText(canned) } : undefined;
  }
  const text = decodeFromUrl(encoded ?? '')?.toString('utf8') ?? '';
  const policy = parsePolicy(text);
  return policy && { ...policy, text };
}

/** `*` at the end stands for anything; keys and queries have it encoded. */
function isCoveredBy(resource: string, signed: string): boolean {
  return signed.endsWith('*') ? resource.startsWith(signed.slice(0, -1)) : resource === signed;
}

function isInRange(address: string, range: string): boolean {
  try {
    const client = ipaddr.process(address);
    const [base, bits] = ipaddr.parseCIDR(range);
    return client.kind() === base.kind() && client.match(base, bits);
  } catch {
    return false;
  }
}

/** The query without the signature, byte for byte as it came, and the signature; a parameter given twice counts once, as wrong. */
function splitQuery(target: string): {
  readonly resource: string;
  readonly signature: ReadonlyMap<string, string>;
} {
  const start = target.indexOf('?');
  if (start < 0) return { resource: target, signature: new Map() };
  const signature = new Map<string, string>();
  const others: string[] = [];
  for (const pair of target.slice(start + 1).split('&')) {
    const [name = '', ...rest] = pair.split('=');
    if (!SIGNATURE_PARAMETERS.some((known) => known === name)) others.push(pair);
    else signature.set(name, signature.has(name) ? '' : decode(rest.join('=')));
  }
  const query = others.length === 0 ? '' : `?${others.join('&')}`;
  return { resource: target.slice(0, start) + query, signature };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}
