import { type KeyObject, sign, verify } from 'node:crypto';

/** The digest that CloudFront is told by `Hash-Algorithm`; without it CloudFront would expect SHA-1. */
export const HASH_ALGORITHM = 'SHA256';

/**
 * Signs a policy as CloudFront wants it: RSA with PKCS #1 v1.5, which gives the same signature for the same text, so that
 * the same question has the same URL. Arithmetic that takes a while, so it is done beside the event loop.
 *
 * @see https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-creating-signed-url-canned-policy.html
 */
export function signPolicy(policy: string, privateKey: KeyObject): Promise<string> {
  return new Promise((resolve, reject) => {
    sign('sha256', Buffer.from(policy), privateKey, (error, signature) => {
      if (error) reject(error);
      else resolve(encodeForUrl(signature));
    });
  });
}

/** Whether the signature is that of the policy. */
export function isSignedPolicy(policy: string, signature: string, publicKey: KeyObject): boolean {
  const bytes = decodeFromUrl(signature);
  return bytes !== undefined && verify('sha256', Buffer.from(policy), publicKey, bytes);
}

/** Base64 with the three characters replaced that mean something in a URL, by CloudFront's own alphabet. */
export function encodeForUrl(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replace(/\+/g, '-').replace(/=/g, '_').replace(/\//g, '~');
}

/** The bytes of a text in CloudFront's alphabet; undefined when it is none. */
export function decodeFromUrl(text: string): Buffer | undefined {
  if (!/^[A-Za-z0-9~-]+_{0,2}$/.test(text)) return undefined;
  return Buffer.from(text.replace(/-/g, '+').replace(/_/g, '=').replace(/~/g, '/'), 'base64');
}
