import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as sdk from '@azure/storage-blob';
import { StowageError } from '../../core/errors.ts';
import { parseObjectKey } from '../../core/key.ts';
import { readOptions, refuses } from '../conformance/material.ts';
import { DelegationKeys } from './delegation-keys.ts';
import { SasSigner } from './signed-urls.ts';

const DAY_SECONDS = 24 * 3600;
/** A midnight UTC, in seconds since the epoch. */
const MIDNIGHT = 1_800_000_000 - (1_800_000_000 % DAY_SECONDS);

/** Keys as an account would delegate them, and what was asked. */
function delegatedKeys() {
  const asked: { start: number; end: number }[] = [];
  const fetchKey = async (startsOn: Date, expiresOn: Date): Promise<sdk.UserDelegationKey> => {
    asked.push({ start: startsOn.getTime() / 1000, end: expiresOn.getTime() / 1000 });
    return {
      signedObjectId: 'object',
      signedTenantId: 'tenant',
      signedStartsOn: startsOn,
      signedExpiresOn: expiresOn,
      signedService: 'b',
      signedVersion: '2026-02-06',
      value: Buffer.from(`key of ${startsOn.getTime()}`).toString('base64'),
    };
  };
  return { asked, fetchKey };
}

describe('delegated keys', () => {
  test('are asked for once a day, and once a window for URLs that outlive such a key', async () => {
    const { asked, fetchKey } = delegatedKeys();
    const keys = new DelegationKeys(fetchKey);
    const noon = MIDNIGHT + DAY_SECONDS / 2;
    for (const offset of [0, 300, 600]) await keys.keyFor(noon + offset, noon + offset + 3600);
    assert.deepEqual(asked, [{ start: MIDNIGHT, end: MIDNIGHT + 7 * DAY_SECONDS }]);
    await keys.keyFor(noon, noon + 7 * DAY_SECONDS);
    await keys.keyFor(noon, noon + 7 * DAY_SECONDS);
    await keys.keyFor(noon, noon + 3600);
    assert.deepEqual(asked.slice(1), [{ start: noon, end: noon + 7 * DAY_SECONDS }]);
    await keys.keyFor(MIDNIGHT + DAY_SECONDS, MIDNIGHT + DAY_SECONDS + 60);
    assert.equal(asked.length, 3);
  });

  test('that could not be had are asked for again', async () => {
    let tries = 0;
    const { fetchKey } = delegatedKeys();
    const keys = new DelegationKeys(async (startsOn, expiresOn) => {
      tries += 1;
      if (tries === 1) throw new StowageError('storage_unavailable', 'No.');
      return fetchKey(startsOn, expiresOn);
    });
    await refuses('storage_unavailable', keys.keyFor(MIDNIGHT, MIDNIGHT + 60));
    assert.equal((await keys.keyFor(MIDNIGHT, MIDNIGHT + 60)).signedObjectId, 'object');
  });
});

describe('a URL signed with a delegated key', () => {
  test('names its blob, one permission and its end, over https only, the same within a window', async () => {
    const signer = new SasSigner({
      sdk,
      containerName: 'files',
      containerUrl: 'https://account.blob.core.windows.net/files',
      accountName: 'account',
      sharedKey: null,
      fetchKey: delegatedKeys().fetchKey,
    });
    const nowMs = MIDNIGHT * 1000;
    const key = parseObjectKey('a b/ü?.pdf');
    const first = await signer.signRead(key, readOptions({ nowMs }));
    const url = new URL(first.url);
    assert.equal(url.pathname, '/files/a%20b/%C3%BC%3F.pdf');
    const named = Object.fromEntries(url.searchParams);
    assert.deepEqual(
      { sr: named.sr, sp: named.sp, spr: named.spr, se: named.se, st: named.st, skoid: named.skoid },
      {
        sr: 'b',
        sp: 'r',
        spr: 'https',
        se: new Date(nowMs + 3_600_000).toISOString().replace('.000', ''),
        st: undefined,
        skoid: 'object',
      },
    );
    assert.deepEqual(await signer.signRead(key, readOptions({ nowMs: nowMs + 299_999 })), first);
    assert.notEqual((await signer.signRead(key, readOptions({ nowMs: nowMs + 300_000 }))).url, first.url);
  });
});
