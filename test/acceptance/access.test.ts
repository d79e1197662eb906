import assert from 'node:assert/strict';
import type { KeyObject } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { fieldParts, filePart } from './caller.ts';
import { backendOfRun } from './clouds.ts';
import { assertProblem, form } from './http.ts';
import { closeIssuer, type Issuer, openIssuer } from './issuer.ts';
import { sample } from './samples/index.ts';
import { JWT_SECRET, type Service, startService } from './service.ts';
import { type Claims, claimsFor, encode, mintToken } from './tokens.ts';
import type { Asset } from './wire.ts';

const METRICS_TOKEN = 'metrics-token-of-the-scraper-0123456789';
const ISSUER = 'https://login.example.test/';
const AUDIENCE = 'stowage';

/** One service with a shared secret, one that trusts an issuer's published keys and is reached by https. */
let service: Service;
let strict: Service;
let issuer: Issuer;
before(async () => {
  issuer = await openIssuer();
  [service, strict] = await Promise.all([
    startService({ METRICS_TOKEN }),
    startService({
      JWKS_URL: issuer.url,
      JWT_SECRET: undefined,
      JWT_ISSUER: ISSUER,
      JWT_AUDIENCE: AUDIENCE,
      JWT_TENANT_CLAIM: 'org',
      PUBLIC_URL: 'https://files.example.test',
      CORS_ORIGINS: 'https://app.example.test,https://admin.example.test',
    }),
  ]);
});
after(async () => {
  await Promise.all([service?.[Symbol.asyncDispose](), strict?.[Symbol.asyncDispose]()]);
  if (issuer !== undefined) await closeIssuer(issuer);
});

const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
const nowSeconds = () => Math.floor(Date.now() / 1000);

describe('a token by the shared secret', () => {
  const good = () => mintToken(claimsFor('alice'), JWT_SECRET);

  test('opens the door', async () => {
    assert.equal((await service.send('GET', '/api/assets', bearer(good()))).status, 200);
  });

  const forged: Readonly<Record<string, () => string>> = {
    'that says alg none': () => `${encode({ alg: 'none', typ: 'JWT' })}.${encode(claimsFor('alice'))}.`,
    'that says alg None, with a signature': () => mintToken(claimsFor('alice'), JWT_SECRET, { alg: 'None' }),
    'that says HS512': () => mintToken(claimsFor('alice'), JWT_SECRET, { alg: 'HS512', typ: 'JWT' }),
    'that says RS256 but is signed by the secret': () =>
      mintToken(claimsFor('alice'), JWT_SECRET, { alg: 'RS256' }),
    'without an alg': () => mintToken(claimsFor('alice'), JWT_SECRET, { typ: 'JWT' }),
    'by another secret': () => mintToken(claimsFor('alice'), 'x'.repeat(64)),
    'by an empty secret': () => mintToken(claimsFor('alice'), ''),
    'that expired': () => mintToken(claimsFor('alice', { exp: nowSeconds() - 120 }), JWT_SECRET),
    'that expired at the beginning of time': () => mintToken(claimsFor('alice', { exp: 0 }), JWT_SECRET),
    'without exp': () => mintToken({ sub: 'alice', iat: nowSeconds() }, JWT_SECRET),
    'whose exp is text': () => mintToken(claimsFor('alice', { exp: '9999999999' }), JWT_SECRET),
    'that is not valid yet': () => mintToken(claimsFor('alice', { nbf: nowSeconds() + 600 }), JWT_SECRET),
    'without sub': () => mintToken({ exp: nowSeconds() + 600 }, JWT_SECRET),
    'with an empty sub': () => mintToken(claimsFor(''), JWT_SECRET),
    'whose sub is a number': () => mintToken({ ...claimsFor('a'), sub: 7 }, JWT_SECRET),
    'whose sub is an object': () => mintToken({ ...claimsFor('a'), sub: { id: 'alice' } }, JWT_SECRET),
    'whose tenant is a list': () => mintToken(claimsFor('a', { tenant_id: ['t'] }), JWT_SECRET),
    'that demands an extension nobody knows': () =>
      mintToken(claimsFor('alice'), JWT_SECRET, { alg: 'HS256', crit: ['strange'], strange: true }),
    'without its signature': () => good().split('.').slice(0, 2).join('.'),
    'with an empty signature': () => `${good().split('.').slice(0, 2).join('.')}.`,
    'cut short': () => good().slice(0, -5),
    'with claims changed after signing': () => {
      const [header = '', , signature = ''] = good().split('.');
      return `${header}.${encode(claimsFor('alice', { role: 'admin' }))}.${signature}`;
    },
    'of four parts': () => `${good()}.${good().split('.')[2]}`,
    'that is no token': () => 'hello',
    'of dots': () => '..',
    'that is nothing': () => '',
    'of 12,000 characters': () =>
      mintToken(claimsFor('alice', { filler: 'x'.repeat(8500) }), JWT_SECRET).replace(/.$/, '~'),
  };
  for (const [title, make] of Object.entries(forged)) {
    test(`${title} is unauthenticated`, async () => {
      const answer = await service.send('GET', '/api/assets', bearer(make()));
      assertProblem(answer, 401, 'unauthenticated');
      assert.match(answer.headers['www-authenticate'] ?? '', /^Bearer\b/);
    });
  }

  test('of 100,000 characters is refused, and the service lives on', async () => {
    const answer = await service
      .send('GET', '/api/assets', bearer('x'.repeat(100_000)))
      .catch(() => undefined);
    assert.ok(answer === undefined || [400, 401, 413, 431].includes(answer.status), `${answer?.status}`);
    assert.equal((await service.send('GET', '/api/assets', bearer(good()))).status, 200);
  });

  test('counts only in the Authorization header, as Bearer', async () => {
    const headers: Record<string, string>[] = [
      { authorization: good() },
      { authorization: `Basic ${good()}` },
      { authorization: `Token ${good()}` },
      { cookie: `token=${good()}` },
    ];
    for (const each of headers) {
      assertProblem(await service.send('GET', '/api/assets', { headers: each }), 401, 'unauthenticated');
    }
    for (const name of ['token', 'access_token', 'authorization']) {
      assertProblem(await service.send('GET', `/api/assets?${name}=${good()}`), 401, 'unauthenticated');
    }
  });

  test('may name the scheme in any case, as RFC 9110 says', async () => {
    const answer = await service.send('GET', '/api/assets', {
      headers: { authorization: `bearer ${good()}` },
    });
    assert.equal(answer.status, 200);
  });

  test('with a role nobody knows is a user or refused, never an admin', async () => {
    for (const role of ['root', 'ADMIN', ['admin'], true, { admin: true }]) {
      const token = mintToken(claimsFor('alice', { role }), JWT_SECRET);
      const answer = await service.send('GET', '/api/access-log', bearer(token));
      assert.ok(answer.status === 403 || answer.status === 401, `${JSON.stringify(role)}: ${answer.status}`);
    }
  });
});

describe('a token by published keys', () => {
  const claims = (more: Claims = {}) =>
    claimsFor('alice', { iss: ISSUER, aud: AUDIENCE, org: 'acme', ...more });
  const ask = (token: string) => strict.send('GET', '/api/assets', bearer(token));

  for (const algorithm of ['RS256', 'ES256', 'EdDSA'] as const) {
    test(`is taken with ${algorithm}`, async () => {
      const answer = await ask(issuer.sign(algorithm, claims()));
      assert.equal(answer.status, 200, answer.text);
    });
  }

  const publicPem = (key: KeyObject) => key.export({ type: 'spki', format: 'pem' }).toString();
  const forged: Readonly<Record<string, () => string>> = {
    'of another issuer': () => issuer.sign('RS256', claims({ iss: 'https://evil.example.test/' })),
    'without an issuer': () => issuer.sign('RS256', claims({ iss: undefined })),
    'for another audience': () => issuer.sign('RS256', claims({ aud: 'shop' })),
    'without an audience': () => issuer.sign('RS256', claims({ aud: undefined })),
    'by a key that is not published': () => issuer.signStranger(claims()),
    'by HS256 with the public key as the secret': () =>
      mintToken(claims(), publicPem(issuer.publicKey('RS256')), { alg: 'HS256', kid: 'RS256' }),
    'by HS256 with an empty secret': () => mintToken(claims(), '', { alg: 'HS256', kid: 'RS256' }),
    'by HS256 with the secret of another service': () => mintToken(claims(), JWT_SECRET),
    'that says alg none': () => `${encode({ alg: 'none', kid: 'RS256' })}.${encode(claims())}.`,
    'whose kid is unknown': () => issuer.sign('RS256', claims(), { kid: 'nobody' }),
    'whose kid is a path': () => issuer.sign('RS256', claims(), { kid: '../../../dev/null' }),
    'that brings its own key': () => issuer.signStranger(claims(), true),
    'that expired': () => issuer.sign('ES256', claims({ exp: nowSeconds() - 120 })),
    'signed by ES256 under the kid of RS256': () => issuer.sign('ES256', claims(), { kid: 'RS256' }),
  };
  for (const [title, make] of Object.entries(forged)) {
    test(`${title} is unauthenticated`, async () => {
      assertProblem(await ask(make()), 401, 'unauthenticated');
    });
  }

  test('has its tenant in the claim that the setting names', async () => {
    const as = (user: string, org: string) => bearer(issuer.sign('ES256', claims({ sub: user, org })));
    const made = form([...fieldParts({ asset_type: 'image' }), filePart(sample('png'))]);
    const { headers } = as('carol', 'acme');
    const stored = await strict.send('POST', '/api/upload', {
      headers: { ...headers, ...made.headers },
      body: made.body,
    });
    assert.equal(stored.status, 200, stored.text);
    const [asset] = stored.json<{ uploads: Asset[] }>().uploads;
    assert.ok(asset);
    if (backendOfRun() === 'local')
      assert.ok(asset.presigned_url.startsWith('https://files.example.test/files/'), asset.presigned_url);
    assertProblem(
      await strict.send('GET', `/api/assets/${asset.asset_id}`, as('carol', 'other')),
      404,
      'not_found',
    );
    assert.equal(
      (await strict.send('GET', `/api/assets/${asset.asset_id}`, as('carol', 'acme'))).status,
      200,
    );
  });
});

describe('who reaches what', () => {
  /** What each stranger gets for each route about Alice's asset. */
  const routes: readonly {
    readonly method: string;
    readonly target: (asset: Asset) => string;
    readonly sameTenantUser: number;
    readonly otherTenant: number;
    readonly otherTenantAdmin: number;
    readonly admin: number;
  }[] = [
    {
      method: 'GET',
      target: (asset) => `/api/assets/${asset.asset_id}`,
      sameTenantUser: 403,
      otherTenant: 404,
      otherTenantAdmin: 404,
      admin: 200,
    },
    {
      method: 'GET',
      target: (asset) => `/api/assets/${asset.asset_id}/presigned`,
      sameTenantUser: 403,
      otherTenant: 404,
      otherTenantAdmin: 404,
      admin: 200,
    },
    {
      method: 'GET',
      target: (asset) => `/api/assets/${asset.asset_id}/download`,
      sameTenantUser: 403,
      otherTenant: 404,
      otherTenantAdmin: 404,
      admin: 200,
    },
    {
      method: 'HEAD',
      target: (asset) => `/api/assets/${asset.asset_id}/download`,
      sameTenantUser: 403,
      otherTenant: 404,
      otherTenantAdmin: 404,
      admin: 200,
    },
    {
      method: 'GET',
      target: (asset) => `/api/assets/${asset.asset_id}/access-log`,
      sameTenantUser: 403,
      otherTenant: 404,
      otherTenantAdmin: 404,
      admin: 200,
    },
    {
      method: 'GET',
      target: (asset) => `/api/access-log?asset_id=${asset.asset_id}`,
      sameTenantUser: 403,
      otherTenant: 403,
      otherTenantAdmin: 200,
      admin: 200,
    },
    {
      method: 'DELETE',
      target: () => '/api/users/nobody-of-note',
      sameTenantUser: 403,
      otherTenant: 403,
      otherTenantAdmin: 202,
      admin: 202,
    },
    {
      method: 'GET',
      target: () => '/metrics',
      sameTenantUser: 403,
      otherTenant: 403,
      otherTenantAdmin: 200,
      admin: 200,
    },
    {
      method: 'DELETE',
      target: (asset) => `/api/assets/${asset.asset_id}`,
      sameTenantUser: 403,
      otherTenant: 404,
      otherTenantAdmin: 404,
      admin: 204,
    },
  ];
  const strangers = {
    sameTenantUser: () => service.as('bob', { tenant_id: 'acme' }),
    otherTenant: () => service.as('bob', { tenant_id: 'globex' }),
    otherTenantAdmin: () => service.as('root', { tenant_id: 'globex', role: 'admin' }),
    admin: () => service.as('root', { tenant_id: 'acme', role: 'admin' }),
  };

  for (const route of routes) {
    test(`${route.method} ${route.target({ asset_id: '{id}' } as Asset)} tells every stranger apart`, async () => {
      const alice = service.as('alice', { tenant_id: 'acme' });
      const asset = await alice.store('image', sample('png', 41));
      const withoutToken = await service.send(route.method, route.target(asset));
      assert.equal(withoutToken.status, 401, withoutToken.text);
      for (const [name, stranger] of Object.entries(strangers)) {
        const answer = await stranger().send(route.method, route.target(asset));
        assert.equal(answer.status, route[name as keyof typeof strangers], `${name}: ${answer.text}`);
        if (answer.status === 403 && route.method !== 'HEAD') assertProblem(answer, 403, 'forbidden');
        if (answer.status === 404 && route.method !== 'HEAD') assertProblem(answer, 404, 'not_found');
      }
    });
  }

  test('the same user id in another tenant is another user', async () => {
    const asset = await service.as('alice', { tenant_id: 'acme' }).store('image', sample('png', 42));
    const namesake = service.as('alice', { tenant_id: 'globex' });
    assertProblem(await namesake.get(`/api/assets/${asset.asset_id}`), 404, 'not_found');
    assertProblem(await namesake.send('DELETE', `/api/assets/${asset.asset_id}`), 404, 'not_found');
    assert.deepEqual(await namesake.assets(), []);
    const untold = service.as('alice');
    assertProblem(await untold.get(`/api/assets/${asset.asset_id}`), 404, 'not_found');
  });

  test('no tenant claim is the tenant "default"', async () => {
    const asset = await service.as('dora').store('image', sample('png', 43));
    const answer = await service.as('dora', { tenant_id: 'default' }).get(`/api/assets/${asset.asset_id}`);
    assert.equal(answer.status, 200);
  });

  test('lists and usage show only what is one’s own', async () => {
    const tenant = { tenant_id: 'lists' };
    await service.as('alice', tenant).store('image', sample('png', 44));
    const bob = service.as('bob', tenant);
    assert.deepEqual(await bob.assets(), []);
    assert.deepEqual(await bob.usage(), { files: 0, bytes: 0 });
    assert.equal((await service.as('root', { ...tenant, role: 'admin' }).usage()).files, 1);
    assert.equal((await service.as('root', { tenant_id: 'lists-2', role: 'admin' }).usage()).files, 0);
  });

  test('another tenant’s asset and one that never was look the same', async () => {
    const asset = await service.as('alice', { tenant_id: 'acme' }).store('image', sample('png', 45));
    const stranger = service.as('eve', { tenant_id: 'globex' });
    const there = assertProblem(await stranger.get(`/api/assets/${asset.asset_id}`), 404, 'not_found');
    const never = assertProblem(
      await stranger.get('/api/assets/00000000-0000-4000-8000-000000000000'),
      404,
      'not_found',
    );
    assert.equal(
      there.detail.replace(asset.asset_id, ''),
      never.detail.replace('00000000-0000-4000-8000-000000000000', ''),
    );
  });

  test('an upload needs a token as well', async () => {
    const made = form([...fieldParts({ asset_type: 'image' }), filePart(sample('png'))]);
    assertProblem(
      await service.send('POST', '/api/upload', { headers: made.headers, body: made.body }),
      401,
      'unauthenticated',
    );
  });
});

describe('/metrics', () => {
  test('opens to the scraper’s token', async () => {
    const answer = await service.send('GET', '/metrics', bearer(METRICS_TOKEN));
    assert.equal(answer.status, 200);
    assert.match(answer.headers['content-type'] ?? '', /^(text\/plain|application\/openmetrics-text)/);
    assert.match(answer.text, /^# TYPE /m);
    assert.match(answer.text, /stowage_/);
  });

  test('stays shut for anything else', async () => {
    for (const token of [`${METRICS_TOKEN}x`, METRICS_TOKEN.slice(0, -1), '']) {
      const answer = await service.send('GET', '/metrics', bearer(token));
      assert.ok(answer.status === 401 || answer.status === 403, `${answer.status}`);
    }
    assert.equal((await service.send('GET', '/metrics')).status, 401);
  });

  test('the scraper’s token opens nothing else', async () => {
    assertProblem(await service.send('GET', '/api/assets', bearer(METRICS_TOKEN)), 401, 'unauthenticated');
  });

  test('names no user, file or key', async () => {
    await service.as('very-special-user').store('image', sample('png', 46, 'very-special-name.png'));
    const { text } = await service.send('GET', '/metrics', bearer(METRICS_TOKEN));
    assert.doesNotMatch(text, /very-special/);
  });
});

describe('headers', () => {
  const everyAnswer = ['/api/health', '/api/assets', '/api/nothing', '/api/docs', '/api/openapi.json'];
  for (const target of everyAnswer) {
    test(`${target} is answered with the security headers`, async () => {
      const { headers } = await service.send('GET', target);
      assert.equal(headers['x-content-type-options'], 'nosniff');
      assert.match(String(headers['x-frame-options']), /^(DENY|SAMEORIGIN)$/);
      assert.match(String(headers['content-security-policy']), /default-src '(none|self)'/);
      assert.match(String(headers['referrer-policy']), /no-referrer|same-origin|strict-origin/);
      assert.equal(headers['x-powered-by'], undefined);
      assert.equal(headers.server, undefined);
    });
  }

  test('HSTS is sent only when the public URL is https', async () => {
    assert.equal((await service.send('GET', '/api/health')).headers['strict-transport-security'], undefined);
    const { headers } = await strict.send('GET', '/api/health');
    assert.match(headers['strict-transport-security'] ?? '', /^max-age=\d{7,}/);
  });

  test('answers to a token may not be kept by shared caches', async () => {
    const answer = await service.as('alice').get('/api/assets');
    assert.match(answer.headers['cache-control'] ?? '', /private|no-store/);
  });

  test('every answer has a request id, and a problem repeats it', async () => {
    const answer = await service.send('GET', '/api/assets');
    const problem = assertProblem(answer, 401, 'unauthenticated');
    assert.ok(problem.request_id.length > 0);
    const header = answer.headers['x-request-id'] ?? answer.headers['request-id'];
    if (header !== undefined) assert.equal(header, problem.request_id);
  });
});

describe('CORS', () => {
  const preflight = (origin: string) =>
    strict.send('OPTIONS', '/api/upload', {
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type,idempotency-key,repr-digest',
      },
    });

  for (const origin of ['https://app.example.test', 'https://admin.example.test']) {
    test(`${origin} is allowed`, async () => {
      const answer = await preflight(origin);
      assert.ok(answer.status === 204 || answer.status === 200, `${answer.status}`);
      assert.equal(answer.headers['access-control-allow-origin'], origin);
      assert.match(answer.headers['access-control-allow-methods'] ?? '', /POST/);
      const allowed = (answer.headers['access-control-allow-headers'] ?? '').toLowerCase();
      for (const name of ['authorization', 'content-type', 'idempotency-key', 'repr-digest']) {
        assert.ok(allowed.includes(name), `${name} in ${allowed}`);
      }
      assert.match(answer.headers.vary ?? '', /origin/i);
      const actual = await strict.send('GET', '/api/health', { headers: { origin } });
      assert.equal(actual.headers['access-control-allow-origin'], origin);
      const exposed = (actual.headers['access-control-expose-headers'] ?? '').toLowerCase();
      for (const name of ['etag', 'content-disposition', 'content-range', 'retry-after', 'ratelimit']) {
        assert.ok(exposed.includes(name), `pages can read ${name}: ${exposed}`);
      }
    });
  }

  for (const origin of [
    'https://evil.example.test',
    'http://app.example.test',
    'https://app.example.test.evil.test',
    'https://xapp.example.test',
    'null',
  ]) {
    test(`${origin} is not`, async () => {
      const preflighted = await preflight(origin);
      assert.equal(preflighted.headers['access-control-allow-origin'], undefined);
      const actual = await strict.send('GET', '/api/health', { headers: { origin } });
      assert.equal(actual.headers['access-control-allow-origin'], undefined);
    });
  }

  test('without the setting no origin is allowed', async () => {
    const answer = await service.send('GET', '/api/health', {
      headers: { origin: 'https://app.example.test' },
    });
    assert.equal(answer.headers['access-control-allow-origin'], undefined);
  });
});
