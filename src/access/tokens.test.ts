import assert from 'node:assert/strict';
import { createHmac, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { exportJWK, SignJWT } from 'jose';
import { isStowageError } from '../core/errors.ts';
import { mintToken } from './mint-token.ts';
import { openTokenVerifier, type TokenSettings } from './tokens.ts';

const NOW_MS = 1_800_000_000_000;
const NOW = NOW_MS / 1000;
const SECRET = 'the newest secret, thirty-two bytes long or more';
const OLDER = 'an older secret, also thirty-two bytes or more..';
const SETTINGS: TokenSettings = {
  jwtSecrets: [SECRET, OLDER],
  jwksUrl: null,
  jwtIssuer: null,
  jwtAudience: null,
  jwtTenantClaim: 'tenant_id',
};

let nowMs = NOW_MS;
const clock = { now: () => nowMs };
const verifier = openTokenVerifier(SETTINGS, clock);

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A token of any header and claims, signed by HMAC: what a library would refuse to make. */
function forge(header: object, claims: object, secret: string | Buffer = SECRET, hash = 'sha256'): string {
  const signed = `${encode(header)}.${encode(claims)}`;
  return `${signed}.${createHmac(hash, secret).update(signed).digest('base64url')}`;
}

const CLAIMS = { sub: 'alice', exp: NOW + 60 };
const hs256 = (claims: object, secret = SECRET) => forge({ alg: 'HS256', typ: 'JWT' }, claims, secret);

async function refused(authorization: string | undefined, by = verifier): Promise<string> {
  try {
    const principal = await by.authenticate(authorization);
    assert.fail(`It was accepted as ${JSON.stringify(principal)}`);
  } catch (error) {
    assert.ok(isStowageError(error, 'unauthenticated'), String(error));
    return error.message;
  }
}

const accepted = async (token: string, by = verifier) => await by.authenticate(`Bearer ${token}`);

describe('a token signed with a secret', () => {
  test('names user, tenant and role; without those claims, tenant default and role user', async () => {
    assert.deepEqual(await accepted(hs256(CLAIMS)), { userId: 'alice', tenantId: 'default', role: 'user' });
    assert.deepEqual(await accepted(hs256({ ...CLAIMS, tenant_id: 'acme', role: 'admin' })), {
      userId: 'alice',
      tenantId: 'acme',
      role: 'admin',
    });
  });

  test('may be signed with an older secret while secrets rotate', async () => {
    assert.equal(((await accepted(hs256(CLAIMS, OLDER))) as { userId: string }).userId, 'alice');
  });

  test('comes in any case of the scheme', async () => {
    await verifier.authenticate(`bearer ${hs256(CLAIMS)}`);
    await verifier.authenticate(`BEARER ${hs256(CLAIMS)}`);
  });

  test('seen before is answered at once, until it expires', async () => {
    nowMs = NOW_MS;
    const token = hs256({ ...CLAIMS, sub: 'cached' });
    assert.ok(verifier.authenticate(`Bearer ${token}`) instanceof Promise);
    await verifier.authenticate(`Bearer ${token}`);
    assert.ok(!(verifier.authenticate(`Bearer ${token}`) instanceof Promise));
    nowMs = NOW_MS + 60_000;
    assert.match(await refused(`Bearer ${token}`), /expired/);
    nowMs = NOW_MS;
  });
});

const HOSTILE: Readonly<Record<string, string | undefined>> = {
  'no header at all': undefined,
  'an empty header': '',
  'another scheme': `Basic ${Buffer.from('alice:secret').toString('base64')}`,
  'a scheme without token': 'Bearer ',
  'two tokens': `Bearer ${hs256(CLAIMS)} ${hs256(CLAIMS)}`,
  'a token in the wrong place': hs256(CLAIMS),
  'another secret': `Bearer ${hs256(CLAIMS, 'a secret that nobody here has ever heard of')}`,
  'an empty secret': `Bearer ${hs256(CLAIMS, '')}`,
  'alg none': `Bearer ${encode({ alg: 'none' })}.${encode(CLAIMS)}.`,
  'alg None': `Bearer ${encode({ alg: 'None' })}.${encode(CLAIMS)}.`,
  'alg none with a signature': `Bearer ${forge({ alg: 'none' }, CLAIMS)}`,
  'alg HS512': `Bearer ${forge({ alg: 'HS512' }, CLAIMS, SECRET, 'sha512')}`,
  'alg HS384': `Bearer ${forge({ alg: 'HS384' }, CLAIMS, SECRET, 'sha384')}`,
  'no alg': `Bearer ${forge({ typ: 'JWT' }, CLAIMS)}`,
  'an alg that is no text': `Bearer ${forge({ alg: ['HS256'] }, CLAIMS)}`,
  'an unknown critical header': `Bearer ${forge({ alg: 'HS256', crit: ['x'], x: 1 }, CLAIMS)}`,
  'a payload that is not base64url encoded': `Bearer ${forge({ alg: 'HS256', b64: false, crit: ['b64'] }, CLAIMS)}`,
  'a key in the header': `Bearer ${forge({ alg: 'HS256', jwk: { kty: 'oct', k: 'AAAA' } }, CLAIMS, Buffer.from('AAAA', 'base64url'))}`,
  'claims that are a list': `Bearer ${hs256([CLAIMS])}`,
  'no exp': `Bearer ${hs256({ sub: 'alice' })}`,
  'an exp that is text': `Bearer ${hs256({ ...CLAIMS, exp: String(NOW + 60) })}`,
  'an exp that is null': `Bearer ${hs256({ ...CLAIMS, exp: null })}`,
  'an exp that is now': `Bearer ${hs256({ ...CLAIMS, exp: NOW })}`,
  'an exp a second ago': `Bearer ${hs256({ ...CLAIMS, exp: NOW - 1 })}`,
  'an nbf in a minute': `Bearer ${hs256({ ...CLAIMS, nbf: NOW + 60 })}`,
  'no sub': `Bearer ${hs256({ exp: NOW + 60 })}`,
  'an empty sub': `Bearer ${hs256({ ...CLAIMS, sub: '' })}`,
  'a blank sub': `Bearer ${hs256({ ...CLAIMS, sub: '  ' })}`,
  'a sub that is a number': `Bearer ${hs256({ ...CLAIMS, sub: 7 })}`,
  'a sub that is a list': `Bearer ${hs256({ ...CLAIMS, sub: ['alice'] })}`,
  'a sub of 256 characters': `Bearer ${hs256({ ...CLAIMS, sub: 'a'.repeat(256) })}`,
  'a sub with NUL': `Bearer ${hs256({ ...CLAIMS, sub: 'alice\u0000' })}`,
  'a sub with a line break': `Bearer ${hs256({ ...CLAIMS, sub: 'ali\nce' })}`,
  'a sub with a lone surrogate': `Bearer ${hs256({ ...CLAIMS, sub: 'ali\ud800' })}`,
  'a role that is not ours': `Bearer ${hs256({ ...CLAIMS, role: 'superadmin' })}`,
  'a role in capitals': `Bearer ${hs256({ ...CLAIMS, role: 'ADMIN' })}`,
  'a role in a list': `Bearer ${hs256({ ...CLAIMS, role: ['admin'] })}`,
  'a role that is null': `Bearer ${hs256({ ...CLAIMS, role: null })}`,
  'an empty tenant': `Bearer ${hs256({ ...CLAIMS, tenant_id: '' })}`,
  'a tenant that is null': `Bearer ${hs256({ ...CLAIMS, tenant_id: null })}`,
  'a tenant that is a number': `Bearer ${hs256({ ...CLAIMS, tenant_id: 7 })}`,
  'a tenant of 129 characters': `Bearer ${hs256({ ...CLAIMS, tenant_id: 't'.repeat(129) })}`,
  'a token of more than 8 KiB': `Bearer ${hs256({ ...CLAIMS, filler: 'x'.repeat(8 * 1024) })}`,
  'a token cut short': `Bearer ${hs256(CLAIMS).slice(0, -2)}`,
  'a token with a changed claim': `Bearer ${hs256(CLAIMS).replace(/\.[^.]+\./, `.${encode({ ...CLAIMS, sub: 'root' })}.`)}`,
  'five parts': `Bearer ${hs256(CLAIMS)}.x.y`,
};

describe('not accepted is', () => {
  for (const [what, authorization] of Object.entries(HOSTILE)) {
    test(what, async () => {
      const message = await refused(authorization);
      // A stranger learns nothing about secrets, algorithms or claims.
      assert.doesNotMatch(message, /secret|alg|HS256|signature|claim|exp\b/i);
    });
  }

  test('a token of a sub of 255 characters is', async () => {
    await accepted(hs256({ ...CLAIMS, sub: 'a'.repeat(255) }));
  });
});

describe('issuer and audience', () => {
  const strict = openTokenVerifier(
    { ...SETTINGS, jwtIssuer: 'https://issuer.test', jwtAudience: 'stowage' },
    clock,
  );
  test('must be those of the settings, when the settings name them', async () => {
    const good = { ...CLAIMS, iss: 'https://issuer.test', aud: ['other', 'stowage'] };
    await accepted(hs256(good), strict);
    await refused(`Bearer ${hs256({ ...good, iss: 'https://other.test' })}`, strict);
    await refused(`Bearer ${hs256({ ...good, aud: 'other' })}`, strict);
    await refused(`Bearer ${hs256(CLAIMS)}`, strict);
  });
});

describe('a token signed with a published key', () => {
  test('is accepted by key id; secrets, other keys and confusion are not', async () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const ed = generateKeyPairSync('ed25519');
    const keys = await Promise.all([
      publish(rsa.publicKey, 'rsa', 'RS256'),
      publish(ec.publicKey, 'ec', 'ES256'),
      publish(ed.publicKey, 'ed', 'EdDSA'),
    ]);
    let fetches = 0;
    const server = createServer((_request, response) => {
      fetches += 1;
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = server.address() as AddressInfo;
      const remote = openTokenVerifier(
        { ...SETTINGS, jwtSecrets: [], jwksUrl: `http://127.0.0.1:${port}/keys` },
        clock,
      );
      const sign = (key: KeyObject, alg: string, kid: string) =>
        new SignJWT({ role: 'admin' })
          .setProtectedHeader({ alg, kid })
          .setSubject('alice')
          .setExpirationTime(NOW + 60)
          .sign(key);
      for (const [pair, alg, kid] of [
        [rsa, 'RS256', 'rsa'],
        [ec, 'ES256', 'ec'],
        [ed, 'EdDSA', 'ed'],
      ] as const) {
        const principal = await accepted(await sign(pair.privateKey, alg, kid), remote);
        assert.deepEqual(principal, { userId: 'alice', tenantId: 'default', role: 'admin' });
      }
      const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 });
      await refused(`Bearer ${await sign(stranger.privateKey, 'RS256', 'rsa')}`, remote);
      await refused(`Bearer ${await sign(rsa.privateKey, 'PS256', 'rsa')}`, remote);
      const pem = rsa.publicKey.export({ type: 'spki', format: 'pem' });
      await refused(`Bearer ${forge({ alg: 'HS256', kid: 'rsa' }, CLAIMS, Buffer.from(pem))}`, remote);
      await refused(`Bearer ${hs256(CLAIMS)}`, remote);
      for (let index = 0; index < 20; index += 1) {
        await refused(`Bearer ${await sign(stranger.privateKey, 'RS256', `unknown-${index}`)}`, remote);
      }
      assert.equal(fetches, 1, 'unknown key ids make us fetch again and again');
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });

  test('whose keys can’t be fetched is refused for now', async () => {
    const remote = openTokenVerifier({ ...SETTINGS, jwtSecrets: [], jwksUrl: 'http://127.0.0.1:1/' }, clock);
    const { privateKey } = generateKeyPairSync('ed25519');
    const token = await new SignJWT(CLAIMS).setProtectedHeader({ alg: 'EdDSA' }).sign(privateKey);
    for (let attempt = 0; attempt < 2; attempt += 1) {
      await assert.rejects(
        async () => await accepted(token, remote),
        (error) => isStowageError(error, 'unauthenticated') && error.fields.retry_after_seconds === 5,
      );
    }
  });

  test('is accepted for an hour by keys that can’t be fetched again', async (context) => {
    context.mock.timers.enable({ apis: ['Date'], now: NOW_MS });
    const systemTime = { now: () => Date.now() };
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const keys = [await publish(publicKey, 'ed', 'EdDSA')];
    let isDown = false;
    const server = createServer((_request, response) => {
      response.statusCode = isDown ? 503 : 200;
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = server.address() as AddressInfo;
      const jwksUrl = `http://127.0.0.1:${port}/keys`;
      const remote = openTokenVerifier({ ...SETTINGS, jwtSecrets: [], jwksUrl }, systemTime);
      const sign = (sub: string, kid = 'ed') =>
        new SignJWT({ sub, exp: NOW + 86_400 }).setProtectedHeader({ alg: 'EdDSA', kid }).sign(privateKey);
      await accepted(await sign('first'), remote);
      isDown = true;
      context.mock.timers.setTime(NOW_MS + 59 * 60_000);
      await accepted(await sign('second'), remote);
      await accepted(await sign('third'), remote);
      const wait = (error: unknown) =>
        isStowageError(error, 'unauthenticated') && error.fields.retry_after_seconds === 5;
      await assert.rejects(async () => await accepted(await sign('fourth', 'new'), remote), wait);
      context.mock.timers.setTime(NOW_MS + 61 * 60_000);
      await assert.rejects(async () => await accepted(await sign('fifth'), remote), wait);
      isDown = false;
      context.mock.timers.setTime(NOW_MS + 62 * 60_000);
      await accepted(await sign('sixth'), remote);
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });

  test('needs https, or this machine', () => {
    for (const jwksUrl of [
      'http://keys.example.test/',
      'http://127.0.0.1.evil.test/',
      'file:///keys',
      'nonsense',
    ]) {
      assert.throws(() => openTokenVerifier({ ...SETTINGS, jwtSecrets: [], jwksUrl }, clock), TypeError);
    }
    openTokenVerifier({ ...SETTINGS, jwtSecrets: [], jwksUrl: 'https://keys.example.test/' }, clock);
  });

  test('a verifier without secret and URL is not opened', () => {
    assert.throws(() => openTokenVerifier({ ...SETTINGS, jwtSecrets: [] }, clock), TypeError);
  });
});

async function publish(key: KeyObject, kid: string, alg: string) {
  return { ...(await exportJWK(key)), kid, alg, use: 'sig' };
}

describe('a minted token', () => {
  const options = {
    userId: 'bob',
    tenantId: 'acme',
    role: 'admin',
    lifetimeSeconds: 60,
    nowMs: NOW_MS,
  } as const;

  test('is accepted by the same settings, whatever they ask for', async () => {
    const settings = { ...SETTINGS, jwtIssuer: 'i', jwtAudience: 'a', jwtTenantClaim: 'org' };
    const principal = await accepted(await mintToken(settings, options), openTokenVerifier(settings, clock));
    assert.deepEqual(principal, { userId: 'bob', tenantId: 'acme', role: 'admin' });
  });

  test('is signed with the newest secret, whatever older ones still verify', async () => {
    const token = await mintToken(SETTINGS, options);
    const only = (secret: string) => openTokenVerifier({ ...SETTINGS, jwtSecrets: [secret] }, clock);
    assert.equal((await accepted(token, only(SECRET))).userId, 'bob');
    await refused(`Bearer ${token}`, only(OLDER));
  });

  test('is not made for names that would be refused, nor without a secret', async () => {
    await assert.rejects(mintToken(SETTINGS, { ...options, userId: '' }), TypeError);
    await assert.rejects(mintToken(SETTINGS, { ...options, tenantId: 'a\nb' }), TypeError);
    await assert.rejects(mintToken({ ...SETTINGS, jwtSecrets: [] }, options), TypeError);
  });
});
