import { createPrivateKey } from 'node:crypto';
import type { CdnConfig, Config } from './config.ts';
import type { SettingReader } from './setting-reader.ts';

/** The only size that CloudFront takes of an RSA key, in bits. */
const RSA_BITS = 2048;
/** Caches that a purge is sent to, at most. */
const PURGE_URLS_MAX = 16;
const SECRET_LENGTH_MIN = 16;

/** Reads what is in front of the assets; null: nothing. */
export function readCdn(read: SettingReader, backend: string): CdnConfig | null {
  const url = read.httpUrl('CDN_URL');
  const keyPair = readKeyPair(read);
  const cdn = {
    origin: read.choice('CDN_ORIGIN', ['store', 'service'], backend === 's3' ? 'store' : 'service'),
    keyPair,
    originSecret: readOriginSecret(read),
    distributionId: read.text('CDN_DISTRIBUTION_ID'),
    purgeUrls: readPurgeUrls(read),
  };
  if (backend === 'local' && cdn.origin === 'store') {
    read.problem(
      'CDN_ORIGIN',
      'can be store only where files are in a cloud: a CDN can not read a local disk',
    );
  }
  if (cdn.distributionId !== null && !/^[A-Z0-9]{10,20}$/.test(cdn.distributionId)) {
    read.problem('CDN_DISTRIBUTION_ID', 'must be the id of a CloudFront distribution, such as E2EXAMPLE1234');
  }
  if (url !== null) return { url, ...cdn };
  for (const name of CDN_NAMES) if (read.text(name) !== null) read.problem(name, 'is set without CDN_URL');
  return null;
}

/** What works and should be seen all the same. */
export function cdnWarnings({ cdn, environment }: Pick<Config, 'cdn' | 'environment'>): string[] {
  if (cdn === null) return [];
  const warnings: string[] = [];
  if (cdn.distributionId === null && cdn.purgeUrls.length === 0)
    warnings.push(
      'Nothing is purged: what is deleted stays in the CDN until it ends there. Set CDN_DISTRIBUTION_ID or CDN_PURGE_URL.',
    );
  if (environment === 'production' && cdn.url.startsWith('http:'))
    warnings.push('CDN_URL is not https: signed URLs travel in the clear.');
  return warnings;
}

const CDN_NAMES = [
  'CDN_ORIGIN',
  'CDN_KEY_PAIR_ID',
  'CDN_PRIVATE_KEY',
  'CDN_ORIGIN_SECRET',
  'CDN_DISTRIBUTION_ID',
  'CDN_PURGE_URL',
];

function readKeyPair(read: SettingReader): CdnConfig['keyPair'] {
  const id = read.text('CDN_KEY_PAIR_ID');
  const text = read.text('CDN_PRIVATE_KEY');
  if (id === null && text === null) return null;
  if (id === null || text === null) {
    const [present, missing] =
      id === null ? ['CDN_PRIVATE_KEY', 'CDN_KEY_PAIR_ID'] : ['CDN_KEY_PAIR_ID', 'CDN_PRIVATE_KEY'];
    read.problem(present, `is set without ${missing}`);
    return null;
  }
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(id)) read.problem('CDN_KEY_PAIR_ID', 'must be the id of a public key');
  // Files of variables keep a key on one line.
  const privateKey = text.replaceAll('\\n', '\n');
  const problem = keyProblem(privateKey);
  if (problem === undefined) return { id, privateKey };
  read.problem('CDN_PRIVATE_KEY', problem);
  return null;
}

/** Keys on elliptic curves sign the same text differently each time: no URL would be the same twice. */
function keyProblem(privateKey: string): string | undefined {
  try {
    const key = createPrivateKey(privateKey);
    return key.asymmetricKeyType === 'rsa' && key.asymmetricKeyDetails?.modulusLength === RSA_BITS
      ? undefined
      : `must be an RSA key of ${RSA_BITS} bits`;
  } catch {
    return `must be an RSA key of ${RSA_BITS} bits in PEM, without a passphrase`;
  }
}

function readOriginSecret(read: SettingReader): string | null {
  const secret = read.text('CDN_ORIGIN_SECRET');
  if (secret !== null && secret.length < SECRET_LENGTH_MIN) {
    read.problem('CDN_ORIGIN_SECRET', `needs at least ${SECRET_LENGTH_MIN} characters`);
  }
  return secret;
}

function readPurgeUrls(read: SettingReader): readonly string[] {
  const urls = read.list('CDN_PURGE_URL').map((url) => url.replace(/\/+$/, ''));
  if (urls.length > PURGE_URLS_MAX)
    read.problem('CDN_PURGE_URL', `may list at most ${PURGE_URLS_MAX} caches`);
  for (const url of urls) {
    const parsed = URL.parse(url);
    if (parsed !== null && /^https?:$/.test(parsed.protocol) && parsed.origin === url) continue;
    read.problem('CDN_PURGE_URL', 'must list URLs of caches without a path, such as http://10.0.0.7:6081');
    break;
  }
  return urls;
}
