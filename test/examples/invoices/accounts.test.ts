import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { checkPassword, hashPassword } from '../../../examples/invoices/accounts/passwords.ts';
import { start } from '../../../examples/invoices/main.ts';
import { openStand, type Stand } from '../stand.ts';
import { type Person, registerPerson, request, type Tokens, tokensOf } from './client.ts';

describe('accounts of the invoices example', () => {
  let stand: Stand;
  let ana: Person;
  before(async () => {
    stand = await openStand(start);
    ana = await registerPerson(stand.origin, 'ana@acme.example');
  });
  after(() => stand?.[Symbol.asyncDispose]());

  const post = (path: string, body?: object, headers?: Readonly<Record<string, string>>) =>
    request(stand.origin, 'POST', path, body, headers);
  const refresh = ({ refresh_token }: Tokens) => post('/auth/refresh', { refresh_token });
  const isLetIn = async ({ access_token }: Tokens) => {
    const headers = { authorization: `Bearer ${access_token}` };
    return (await request(stand.origin, 'GET', '/invoices', undefined, headers)).status === 200;
  };
  const logIn = async ({ email, password }: Person) => {
    const answer = await post('/auth/login', { email, password });
    assert.equal(answer.status, 200);
    return tokensOf(answer);
  };

  test('a password is exchanged for an access token of minutes and a refresh token', async () => {
    const answer = await post('/auth/login', { email: 'ANA@acme.example', password: ana.password });
    assert.equal(answer.status, 200);
    assert.equal(answer.body.token_type, 'Bearer');
    assert.equal(answer.body.expires_in, 300);
    assert.equal(answer.headers.get('cache-control'), 'no-store');
    assert.ok(await isLetIn(tokensOf(answer)));
    assert.equal((await request(stand.origin, 'GET', '/invoices')).status, 401);
  });

  test('a refresh token is good once: the next one comes with the next access token', async () => {
    const first = await logIn(ana);
    const second = await refresh(first);
    assert.equal(second.status, 200);
    assert.notEqual(second.body.refresh_token, first.refresh_token);
    assert.ok(await isLetIn(tokensOf(second)));
    assert.equal((await refresh(tokensOf(second))).status, 200);
  });

  test('a refresh token that comes again ends the login, also for who has the newest one', async () => {
    const first = await logIn(ana);
    const other = await logIn(ana);
    const second = tokensOf(await refresh(first));
    const again = await refresh(first);
    assert.deepEqual([again.status, again.body.code], [401, 'unauthenticated']);
    assert.equal((await refresh(second)).status, 401);
    assert.equal((await refresh(other)).status, 200, 'another login of the same user goes on');
  });

  test('of eight who send one refresh token at once none keeps the login', async () => {
    const first = await logIn(ana);
    const answers = await Promise.all(Array.from({ length: 8 }, () => refresh(first)));
    const good = answers.filter(({ status }) => status === 200);
    assert.equal(good.length, 1);
    for (const answer of good) assert.equal((await refresh(tokensOf(answer))).status, 401);
  });

  test('who logs out gets no further token; what is no token at all neither', async () => {
    const tokens = await logIn(ana);
    assert.equal((await post('/auth/logout', { refresh_token: tokens.refresh_token })).status, 204);
    assert.equal((await refresh(tokens)).status, 401);
    assert.equal((await post('/auth/refresh', { refresh_token: 'made-up' })).status, 401);
    assert.equal((await post('/auth/refresh')).status, 401);
  });

  test('a page has its refresh token in a cookie that no script reads', async () => {
    const { email, password } = ana;
    const answer = await post('/auth/login', { email, password, cookie: true });
    assert.equal(answer.body.refresh_token, undefined);
    const cookie = answer.headers.get('set-cookie') ?? '';
    assert.match(
      cookie,
      /^refresh_token=[\w-]{43}; HttpOnly; SameSite=Strict; Path=\/auth; Max-Age=2592000$/,
    );
    const next = await post('/auth/refresh', undefined, { cookie: cookie.split(';')[0] ?? '' });
    assert.equal(next.status, 200);
    assert.equal(next.body.refresh_token, undefined);
    assert.notEqual(next.headers.get('set-cookie'), cookie);
  });

  test('tells a wrong password and an unknown user in the same words, and stops who guesses', async () => {
    const bea = await registerPerson(stand.origin, 'bea@acme.example');
    const wrong = await post('/auth/login', { email: bea.email, password: 'not the password' });
    const unknown = await post('/auth/login', { email: 'nobody@acme.example', password: 'not the password' });
    for (const { status, body } of [wrong, unknown]) {
      assert.deepEqual([status, body.code, body.detail], [401, 'unauthenticated', unknown.body.detail]);
    }
    const statuses: number[] = [];
    for (let attempt = 0; attempt < 5; attempt += 1) {
      statuses.push((await post('/auth/login', { email: bea.email, password: `guess ${attempt}` })).status);
    }
    assert.equal(statuses.at(-1), 429);
    const right = await post('/auth/login', { email: bea.email, password: bea.password });
    assert.deepEqual([right.status, right.body.code], [429, 'rate_limited']);
    assert.ok(Number(right.headers.get('retry-after')) > 0);
    assert.ok(await logIn(ana), 'others log in as before');
  });

  test('an unknown user costs the same hash as a known one', async () => {
    const stored = await hashPassword('right');
    const quickest = async (hash: string | undefined) => {
      const times: number[] = [];
      for (let run = 0; run < 3; run += 1) {
        const startMs = performance.now();
        assert.equal(await checkPassword('wrong', hash), false);
        times.push(performance.now() - startMs);
      }
      return Math.min(...times);
    };
    const [known, unknown] = [await quickest(stored), await quickest(undefined)];
    assert.ok(unknown > known / 4, `${unknown} ms against ${known} ms`);
    assert.equal(await checkPassword('right', stored), true);
  });

  test('refuses an address that somebody has, a short password, and a body that is none', async () => {
    const account = { company: 'Second', email: 'ANA@acme.example', password: 'a long enough password' };
    assert.equal((await post('/auth/register', account)).body.code, 'conflict');
    const short = await post('/auth/register', { ...account, email: 'c@acme.example', password: 'short' });
    assert.deepEqual([short.status, short.body.code], [400, 'invalid_parameter']);
    const broken = await fetch(`${stand.origin}/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"email"',
    });
    assert.equal(broken.status, 400);
    const large = await post('/auth/login', { email: 'a@b', password: 'x'.repeat(100_000) });
    assert.deepEqual([large.status, large.body.code], [413, 'request_too_large']);
  });

  test('only an admin adds a colleague', async () => {
    const colleague = { email: 'dan@acme.example', password: 'dans long password' };
    assert.equal((await ana.ask('POST', '/auth/users', colleague)).status, 201);
    const dan = tokensOf(await post('/auth/login', colleague));
    const headers = { authorization: `Bearer ${dan.access_token}` };
    const refused = await post('/auth/users', { ...colleague, email: 'eve@acme.example' }, headers);
    assert.deepEqual([refused.status, refused.body.code], [403, 'forbidden']);
  });

  test('by https the cookie is for https alone, and browsers are told to stay there', async () => {
    await using secure = await openStand(start, { env: { PUBLIC_URL: 'https://invoices.example' } });
    const account = { company: 'S', email: 's@s.example', password: 'a long enough password', cookie: true };
    const { status, headers } = await request(secure.origin, 'POST', '/auth/register', account);
    assert.equal(status, 201);
    assert.match(headers.get('set-cookie') ?? '', /; Secure$/);
    assert.match(headers.get('strict-transport-security') ?? '', /^max-age=63072000/);
  });

  test('tokens of an identity provider with the same secret are taken, whatever it calls its tenants', async () => {
    const olga = stand.as('olga', { tenant_id: 'nordwind' });
    const booking = { booked_on: '2026-01-02', description: 'Chairs', currency: 'EUR', amount: '1.00' };
    assert.equal((await olga('POST', '/transactions', booking)).status, 201);
    assert.equal((await olga('GET', '/transactions')).json.transactions.length, 1);
    assert.deepEqual((await ana.ask('GET', '/transactions')).body.transactions, []);
    const admin = stand.as('olga', { tenant_id: 'nordwind', role: 'admin' });
    const colleague = { email: 'o@nordwind.example', password: 'a long enough password' };
    assert.equal((await admin('POST', '/auth/users', colleague)).status, 403);
  });

  test('every answer has the headers that browsers heed', async () => {
    for (const path of ['/', '/invoices', '/nowhere']) {
      const { headers } = await fetch(`${stand.origin}${path}`);
      assert.match(
        headers.get('content-security-policy') ?? '',
        /default-src 'none'.*frame-ancestors 'none'/,
      );
      assert.equal(headers.get('x-frame-options'), 'DENY');
      assert.equal(headers.get('x-content-type-options'), 'nosniff');
    }
  });
});
