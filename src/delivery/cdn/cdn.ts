import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import type { Asset } from '../../catalog/catalog.ts';
import { BoundedMap } from '../../core/bounded-map.ts';
import { StowageError } from '../../core/errors.ts';
import { parseKeyPrefix } from '../../core/key.ts';
import { signingPeriod } from '../../core/signing-window.ts';
import { INCOMING_PREFIX } from '../../storage/incoming.ts';
import { contentDisposition } from '../disposition.ts';
import { type CdnOrigin, encodeSegment, privatePath, publicPath } from './paths.ts';
import { isCanned, policyText, type ReadPolicy } from './policy.ts';
import { encodeForUrl, HASH_ALGORITHM, signPolicy } from './sign.ts';

/** What a CDN in front of the assets is made from. */
export interface CdnOptions {
  /** What clients reach it by, without a trailing slash. */
  readonly url: string;
  readonly origin: CdnOrigin;
  /** Signs the URLs of private assets; null: those stay with the store. */
  readonly keyPair: { readonly id: string; readonly privateKey: string } | null;
}

/** When and from where a URL or a cookie works. */
export interface CdnGrant {
  /** When it was asked for, milliseconds since the epoch: rounded down to the signing window. */
  readonly nowMs: number;
  readonly lifetimeSeconds: number;
  /** Not before, milliseconds since the epoch. */
  readonly startsAtMs?: number;
  /** IPv4 address or CIDR range of the reader. */
  readonly ipRange?: string;
}

/** Cookies by which a browser reads everything below a folder. */
export interface FolderCookies {
  /** Names and values; to be set with `Secure; HttpOnly` and `path`. */
  readonly cookies: Readonly<Record<string, string>>;
  /** The path that the cookies are for. */
  readonly path: string;
  readonly expiresAtMs: number;
}

/** Makes the URLs of assets at a CDN. */
export interface Cdn {
  readonly url: string;
  readonly origin: CdnOrigin;
  /** What signs the URLs of private assets; null: they don't go by way of this CDN. */
  readonly signer: CdnSigner | null;
  /** The permanent URL of an asset of a public type. */
  publicUrl(key: string): string;
}

/** Makes CloudFront signed URLs and cookies, and knows them again. */
export interface CdnSigner {
  readonly publicKey: KeyObject;
  readonly keyPairId: string;
  /** A URL that reads one asset; the same for everybody who asks within a signing window. */
  signRead(asset: Asset, grant: CdnGrant): Promise<{ readonly url: string; readonly expiresAtMs: number }>;
  /**
   * Cookies that read every asset below a key prefix. Who may read all of it is the caller's question.
   *
   * @param folder a key prefix that ends in `/`.
   * @throws StowageError `invalid_key` for another prefix, none, or that of uploads which are not judged yet.
   */
  signFolder(folder: string, grant: CdnGrant): Promise<FolderCookies>;
}

/** Most signatures remembered: the page of a list asks for 200 at once, again and again. */
const REMEMBERED_MAX = 10_000;

/** Opens a CDN: nothing is asked of it. @throws TypeError when the key is none; settings are checked before. */
export function openCdn({ url, origin, keyPair }: CdnOptions): Cdn {
  return {
    url,
    origin,
    publicUrl: (key) => url + publicPath(origin, key),
    signer: keyPair === null ? null : openSigner({ url, origin, keyPair }),
  };
}

function openSigner({
  url,
  origin,
  keyPair,
}: CdnOptions & { readonly keyPair: NonNullable<CdnOptions['keyPair']> }): CdnSigner {
  const privateKey = createPrivateKey(keyPair.privateKey);
  const signed = new BoundedMap<string, Promise<string>>(REMEMBERED_MAX);
  const signOnce = (policy: string): Promise<string> => {
    const known = signed.get(policy);
    if (known !== undefined) return known;
    const signature = signPolicy(policy, privateKey);
    signed.set(policy, signature);
    signature.catch(() => signed.delete(policy));
    return signature;
  };
  /** The parameters of a signature, in the order of Amazon's own signer. */
  const authorise = async (policy: ReadPolicy): Promise<Readonly<Record<string, string>>> => {
    const text = policyText(policy);
    return {
      ...(isCanned(policy)
        ? { Expires: String(policy.endSeconds) }
        : { Policy: encodeForUrl(Buffer.from(text)) }),
      'Key-Pair-Id': keyPair.id,
      Signature: await signOnce(text),
      'Hash-Algorithm': HASH_ALGORITHM,
    };
  };
  return {
    publicKey: createPublicKey(privateKey),
    keyPairId: keyPair.id,
    async signRead(asset, grant) {
      const resource = url + privatePath(origin, asset.key) + (origin === 'store' ? answerQuery(asset) : '');
      const policy = policyFor(resource, grant);
      const query = Object.entries(await authorise(policy)).map(
        ([name, value]) => `${name}=${encodeSegment(value)}`,
      );
      return {
        url: `${resource}${resource.includes('?') ? '&' : '?'}${query.join('&')}`,
        expiresAtMs: policy.endSeconds * 1000,
      };
    },
    async signFolder(folder, grant) {
      const prefix = parseKeyPrefix(folder);
      if (prefix === '') throw new StowageError('invalid_key', 'A folder must be named.');
      if (prefix.startsWith(INCOMING_PREFIX))
        throw new StowageError('invalid_key', 'What lies in this folder has not been judged yet.');
      // Encoded without its last slash, which would leave an empty segment.
      const path = `${privatePath(origin, prefix.slice(0, -1))}/`;
      const policy = policyFor(`${url}${path}*`, grant);
      const values = Object.entries(await authorise(policy));
      return {
        cookies: Object.fromEntries(values.map(([name, value]) => [`CloudFront-${name}`, value])),
        path: new URL(url + path).pathname,
        expiresAtMs: policy.endSeconds * 1000,
      };
    },
  };
}

function policyFor(resource: string, grant: CdnGrant): ReadPolicy {
  const { endSeconds } = signingPeriod(grant.nowMs, grant.lifetimeSeconds);
  return {
    resource,
    endSeconds,
    startSeconds: grant.startsAtMs === undefined ? null : Math.floor(grant.startsAtMs / 1000),
    ipRange: grant.ipRange ?? null,
  };
}

/**
 * What the bucket is asked to say of the content. It is part of the signed resource: nobody who holds the URL can turn an
 * attachment into a page.
 */
function answerQuery(asset: Asset): string {
  const disposition = contentDisposition(asset.filename, asset.mediaType, 'inline');
  return `?response-content-disposition=${encodeSegment(disposition)}&response-content-type=${encodeSegment(asset.mediaType)}`;
}
