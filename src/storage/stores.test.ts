import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { BackendName } from '../core/backend-name.ts';
import { openableStores, singleStore } from './stores.ts';

/** A store of which nothing is asked but its name. */
function named(name: BackendName) {
  const closed: BackendName[] = [];
  return { name, closed, close: async () => void closed.push(name) };
}

describe('stores', () => {
  test('are opened when they are asked for, once, and closed together', async () => {
    const asked: BackendName[] = [];
    const [main, other] = [named('local'), named('s3')];
    const stores = openableStores(main, async (backend) => {
      asked.push(backend);
      return other;
    });
    assert.equal(await stores.of('local'), main);
    assert.deepEqual(await Promise.all([stores.of('s3'), stores.of('s3')]), [other, other]);
    assert.deepEqual(asked, ['s3']);
    await stores.close();
    assert.deepEqual([main.closed, other.closed], [['local'], ['s3']]);
    await assert.rejects(stores.of('gcs'), { code: 'storage_unavailable' });
    assert.deepEqual(asked, ['s3']);
  });

  test('that can not be opened are tried again, and say nothing of themselves to clients', async () => {
    let tries = 0;
    const azure = named('azure');
    const stores = openableStores(named('local'), async () => {
      tries += 1;
      if (tries === 1) throw new Error('connect ECONNREFUSED secret-host');
      return azure;
    });
    await assert.rejects(stores.of('azure'), (error: Error & { code: string }) => {
      assert.equal(error.code, 'storage_unavailable');
      assert.doesNotMatch(error.message, /azure|secret-host/);
      assert.match(String(error.cause), /azure/);
      return true;
    });
    assert.equal(await stores.of('azure'), azure);
    await stores.close();
  });

  test('without a second one refuse it', async () => {
    const stores = singleStore(named('s3'));
    assert.equal((await stores.of('s3')).name, 's3');
    await assert.rejects(stores.of('local'), { code: 'storage_unavailable' });
  });
});
