import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { loadConfig } from './load-config.ts';
import { ConfigError } from './problems.ts';

const pem = (type: 'rsa' | 'ec', modulusLength = 2048): string => {
  const privateKeyEncoding = { type: 'pkcs8', format: 'pem' } as const;
  const publicKeyEncoding = { type: 'spki', format: 'pem' } as const;
  return type === 'rsa'
    ? generateKeyPairSync('rsa', { modulusLength, privateKeyEncoding, publicKeyEncoding }).privateKey
    : generateKeyPairSync('ec', { namedCurve: 'P-256', privateKeyEncoding, publicKeyEncoding }).privateKey;
};
const RSA = pem('rsa');

let cwd = '';
before(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'stowage-cdn-settings-'));
});
after(() => rm(cwd, { recursive: true, force: true }));

const load = async (env: Record<string, string>) =>
  (await loadConfig({ env: { NODE_ENV: 'test', ...env }, cwd, canJudge: () => true })).cdn;
const problems = async (env: Record<string, string>): Promise<string> => {
  try {
    await load(env);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.problems.join('\n');
  }
  return '';
};
const S3 = { STORAGE_BACKEND: 's3', S3_BUCKET_NAME: 'files', S3_REGION: 'eu-central-1' };

describe('the settings of a CDN', () => {
  test('are none by default', async () => {
    assert.equal(await load({}), null);
  });

  test('name the origin that fits the backend unless told otherwise', async () => {
    assert.equal((await load({ CDN_URL: 'https://cdn.test/' }))?.origin, 'service');
    assert.equal((await load({ ...S3, CDN_URL: 'https://cdn.test' }))?.origin, 'store');
    assert.equal(
      (await load({ ...S3, CDN_URL: 'https://cdn.test', CDN_ORIGIN: 'service' }))?.origin,
      'service',
    );
    assert.match(
      await problems({ CDN_URL: 'https://cdn.test', CDN_ORIGIN: 'store' }),
      /^CDN_ORIGIN can be store/,
    );
  });

  test('take the private key as text, on one line, and from a file', async () => {
    const common = { CDN_URL: 'https://cdn.test', CDN_KEY_PAIR_ID: 'K2JCJMDEHXQW5F' };
    const file = join(cwd, 'key.pem');
    await writeFile(file, RSA);
    const ways = [
      { CDN_PRIVATE_KEY: RSA },
      { CDN_PRIVATE_KEY: RSA.trim().replaceAll('\n', '\\n') },
      { CDN_PRIVATE_KEY_FILE: file },
    ];
    for (const way of ways) {
      const cdn = await load({ ...common, ...way });
      assert.equal(cdn?.keyPair?.privateKey.trim(), RSA.trim());
      assert.equal(cdn?.keyPair?.id, 'K2JCJMDEHXQW5F');
    }
  });

  test('list the caches that are purged', async () => {
    const cdn = await load({ CDN_URL: 'https://cdn.test', CDN_PURGE_URL: 'http://10.0.0.7:6081, http://b/' });
    assert.deepEqual(cdn?.purgeUrls, ['http://10.0.0.7:6081', 'http://b']);
  });

  test('warn of a CDN that nobody purges, and of one without TLS in production', async () => {
    const warnings = async (env: Record<string, string>) =>
      (await loadConfig({ env, cwd, canJudge: () => true })).warnings.filter((text) => /CDN/.test(text));
    const secrets = { JWT_SECRET: 'x'.repeat(32), SIGNING_SECRET: 'y'.repeat(32) };
    assert.match(
      (await warnings({ CDN_URL: 'https://cdn.test' }))[0] ?? '',
      /^Nothing is purged: .* CDN_PURGE_URL\.$/,
    );
    assert.deepEqual(await warnings({ CDN_URL: 'https://cdn.test', CDN_PURGE_URL: 'http://a' }), []);
    const open = {
      CDN_URL: 'http://cdn.test',
      CDN_PURGE_URL: 'http://a',
      NODE_ENV: 'production',
      ...secrets,
    };
    assert.match((await warnings(open))[0] ?? '', /^CDN_URL is not https/);
  });

  test('let shared caches keep public types, unless a type says otherwise', async () => {
    const file = {
      values: new Map(),
      assetTypes: {
        image: { visibility: 'public' },
        poster: {
          accepts: { 'image/png': ['png'] },
          maxSize: '1mb',
          keyTemplate: 'p/{uuid}',
          visibility: 'public',
        },
        flyer: {
          ...{ accepts: { 'image/png': ['png'] }, maxSize: '1mb', keyTemplate: 'f/{uuid}' },
          ...{ visibility: 'public', cacheControl: 'private, no-store' },
        },
      },
    };
    const { assetTypes } = await loadConfig({ env: { NODE_ENV: 'test' }, cwd, canJudge: () => true, file });
    const of = (name: string) => assetTypes.get(name)?.cacheControl;
    assert.equal(of('image'), 'public, max-age=31536000, immutable');
    assert.equal(of('poster'), 'public, max-age=300');
    assert.equal(of('flyer'), 'private, no-store');
    assert.equal(of('brand_image'), 'private, max-age=31536000, immutable');
  });

  const withUrl = { CDN_URL: 'https://cdn.test', CDN_KEY_PAIR_ID: 'K2JCJMDEHXQW5F' };
  for (const [what, env, expected] of [
    ['a key pair id alone', withUrl, /^CDN_KEY_PAIR_ID is set without CDN_PRIVATE_KEY$/],
    [
      'a private key alone',
      { CDN_URL: 'https://cdn.test', CDN_PRIVATE_KEY: RSA },
      /^CDN_PRIVATE_KEY is set without/,
    ],
    [
      'a key that is none',
      { ...withUrl, CDN_PRIVATE_KEY: 'sesame' },
      /^CDN_PRIVATE_KEY must be an RSA key of 2048 bits in PEM/,
    ],
    [
      'a key on a curve',
      { ...withUrl, CDN_PRIVATE_KEY: pem('ec') },
      /^CDN_PRIVATE_KEY must be an RSA key of 2048 bits$/,
    ],
    [
      'a key of another size',
      { ...withUrl, CDN_PRIVATE_KEY: pem('rsa', 1024) },
      /^CDN_PRIVATE_KEY must be an RSA/,
    ],
    ['settings without CDN_URL', { CDN_PURGE_URL: 'http://a' }, /^CDN_PURGE_URL is set without CDN_URL$/],
    [
      'a short origin secret',
      { CDN_URL: 'https://cdn.test', CDN_ORIGIN_SECRET: 'short' },
      /^CDN_ORIGIN_SECRET needs/,
    ],
    [
      'a cache with a path',
      { CDN_URL: 'https://cdn.test', CDN_PURGE_URL: 'http://a/b' },
      /^CDN_PURGE_URL must list/,
    ],
    [
      'a strange distribution',
      { CDN_URL: 'https://cdn.test', CDN_DISTRIBUTION_ID: 'e/1' },
      /^CDN_DISTRIBUTION_ID must/,
    ],
  ] as const) {
    test(`refuse ${what}, by name and without the value`, async () => {
      const text = await problems(env);
      assert.match(text, expected);
      assert.doesNotMatch(text, /sesame|short|BEGIN/);
    });
  }
});
