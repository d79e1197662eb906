import assert from 'node:assert/strict';
import { verify } from 'node:crypto';
import { describe, test } from 'node:test';
import { makeTestAccount } from '../../../test/servers/gcs/test-account.ts';
import { silentLog } from '../../core/log.ts';
import { refuses } from '../conformance/material.ts';
import {
  cachedIdentity,
  type GoogleAuthLike,
  googleSource,
  type IdentitySource,
  openIdentity,
} from './identity.ts';

const HOUR_MS = 3600_000;
const START_MS = Date.parse('2026-02-03T04:05:06Z');

/** A clock that stands where it is put. */
function standingClock() {
  let nowMs = START_MS;
  return {
    now: () => nowMs,
    pass(ms: number) {
      nowMs += ms;
    },
  };
}

/** A source of tokens that live an hour, and how often it was asked. */
function countingSource(clock: { now(): number }) {
  const asked = { tokens: 0, loads: 0 };
  const source: IdentitySource = {
    async fetchToken() {
      asked.tokens += 1;
      return { value: `token ${asked.tokens}`, expiresAtMs: clock.now() + HOUR_MS };
    },
    email: async () => 'e',
    sign: async () => Buffer.alloc(0),
  };
  const load = async () => {
    asked.loads += 1;
    return source;
  };
  return { asked, source, load };
}

describe('tokens', () => {
  test('are kept until five minutes before they end', async () => {
    const clock = standingClock();
    const { load } = countingSource(clock);
    const identity = cachedIdentity(load, clock);
    assert.equal(await identity.token(), 'token 1');
    clock.pass(HOUR_MS - 5 * 60_000 - 1);
    assert.equal(await identity.token(), 'token 1');
    clock.pass(1);
    assert.equal(await identity.token(), 'token 2');
  });

  test('are asked for once by many calls at the same time', async () => {
    const clock = standingClock();
    const { load, asked } = countingSource(clock);
    const identity = cachedIdentity(load, clock);
    const tokens = await Promise.all([identity.token(), identity.token(), identity.token()]);
    assert.deepEqual(tokens, ['token 1', 'token 1', 'token 1']);
    assert.equal(asked.tokens, 1);
  });

  test('that the store refused are not used again, and a newer one is kept', async () => {
    const clock = standingClock();
    const { load, asked } = countingSource(clock);
    const identity = cachedIdentity(load, clock);
    const refused = await identity.token();
    identity.forgetToken(refused);
    assert.equal(await identity.token(), 'token 2');
    assert.equal(asked.loads, 2);
    identity.forgetToken(refused);
    assert.equal(await identity.token(), 'token 2');
  });

  test('that could not be had are asked for again', async () => {
    const clock = standingClock();
    const { source } = countingSource(clock);
    let loads = 0;
    const identity = cachedIdentity(async () => {
      loads += 1;
      if (loads === 1) throw Object.assign(new Error('no network'), { code: 'ENOTFOUND' });
      return source;
    }, clock);
    await refuses('storage_unavailable', identity.token());
    assert.equal(await identity.token(), 'token 1');
  });

  test('of a service account on loopback are signed by its key for the store only', async () => {
    await using account = await makeTestAccount();
    const clock = standingClock();
    const token = await openIdentity({
      bucket: 'laws',
      credentialsPath: account.keyFilePath,
      endpoint: 'http://127.0.0.1:1',
      clock,
      log: silentLog,
    }).token();
    const [head = '', claims = '', signature = ''] = token.split('.');
    assert.deepEqual(JSON.parse(Buffer.from(head, 'base64url').toString()), {
      alg: 'RS256',
      typ: 'JWT',
      kid: 'test',
    });
    assert.deepEqual(JSON.parse(Buffer.from(claims, 'base64url').toString()), {
      iss: account.email,
      sub: account.email,
      aud: 'https://storage.googleapis.com/',
      iat: START_MS / 1000,
      exp: START_MS / 1000 + 3600,
    });
    const signed = Buffer.from(`${head}.${claims}`);
    assert.ok(verify('RSA-SHA256', signed, account.publicKey, Buffer.from(signature, 'base64url')));
  });
});

describe('credentials', () => {
  const clock = standingClock();
  const options = { bucket: 'laws', endpoint: null, clock, log: silentLog };

  test('whose file is missing are the operator’s to mend', async () => {
    const identity = openIdentity({ ...options, credentialsPath: '/nonexistent/key.json' });
    await refuses('storage_denied', identity.token());
    await refuses('storage_denied', identity.email());
  });

  test('never go over plain http to another machine', async () => {
    await using account = await makeTestAccount();
    const { keyFilePath: credentialsPath } = account;
    const identity = openIdentity({ ...options, credentialsPath, endpoint: 'http://store.example' });
    await refuses('storage_denied', identity.token());
  });

  test('with a key sign without asking anyone', async () => {
    await using account = await makeTestAccount();
    const identity = openIdentity({ ...options, credentialsPath: account.keyFilePath });
    assert.equal(await identity.email(), account.email);
    const signature = await identity.sign('text');
    assert.ok(verify('RSA-SHA256', Buffer.from('text'), account.publicKey, signature));
  });

  test('without a key have Google sign', async () => {
    const signed: string[] = [];
    const auth: GoogleAuthLike = {
      getClient: async () => ({
        getAccessToken: async () => ({ token: 'from the machine' }),
        credentials: { expiry_date: clock.now() + HOUR_MS },
      }),
      getCredentials: async () => ({ client_email: 'machine@laws' }),
      async sign(data) {
        signed.push(data);
        return Buffer.from('signature').toString('base64');
      },
    };
    const identity = cachedIdentity(async () => googleSource(auth, null, clock), clock);
    assert.equal(await identity.token(), 'from the machine');
    assert.equal(await identity.email(), 'machine@laws');
    assert.equal((await identity.sign('text')).toString(), 'signature');
    assert.deepEqual(signed, ['text']);
  });

  test('that name no service account sign nothing', async () => {
    const auth: GoogleAuthLike = {
      getClient: async () => ({ getAccessToken: async () => ({ token: null }), credentials: {} }),
      getCredentials: async () => ({}),
      sign: async () => '',
    };
    const identity = cachedIdentity(async () => googleSource(auth, null, clock), clock);
    await refuses('storage_denied', identity.email());
    await refuses('storage_denied', identity.token());
  });
});
