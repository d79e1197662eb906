import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { systemClock } from '../core/clock.ts';
import { StowageError } from '../core/errors.ts';
import { type Log, silentLog } from '../core/log.ts';
import { openMemoryBackend } from '../storage/index.ts';
import { createHealth } from './health.ts';

function openHealth(ping: () => Promise<number>, log: Log = silentLog) {
  const bucket = openMemoryBackend();
  const health = createHealth({ catalog: { ping }, bucket, clock: systemClock, log });
  return { bucket, health };
}

describe('the health of a service', () => {
  test('is starting before it was measured, then ok, and stopping at the end', async () => {
    const { health } = openHealth(async () => 1.23456);
    assert.equal(health.readiness(), 'starting');
    await health.measure();
    assert.equal(health.readiness(), 'ok');
    assert.deepEqual(health.snapshot(), {
      status: 'ok',
      dependencies: {
        database: { status: 'connected', latency_ms: 1.235 },
        storage: { status: 'connected', backend: 'memory' },
      },
    });
    health.stop();
    assert.equal(health.readiness(), 'stopping');
  });

  test('is degraded, not dead, without the database or the store, and recovers', async () => {
    let isUp = false;
    const { bucket, health } = openHealth(async () => {
      if (!isUp) throw new StowageError('database_unavailable', 'The database does not answer.');
      return 1;
    });
    await health.measure();
    assert.equal(health.readiness(), 'unavailable');
    assert.equal(health.snapshot().status, 'degraded');
    assert.deepEqual(health.snapshot().dependencies.database, { status: 'unavailable', latency_ms: null });
    isUp = true;
    await health.measure();
    assert.equal(health.readiness(), 'ok');
    await bucket.close();
    await health.measure();
    assert.equal(health.snapshot().dependencies.storage.status, 'unavailable');
    assert.equal(health.readiness(), 'unavailable');
  });

  test('warns of the reason when a dependency begins to fail, and once', async () => {
    let isUp = false;
    const warned: unknown[] = [];
    const log = { ...silentLog, warn: (fields: object) => void warned.push(fields) };
    const failure = new StowageError('database_unavailable', 'The database does not answer.');
    const { health } = openHealth(async () => {
      if (!isUp) throw failure;
      return 1;
    }, log);
    const reasons = () => warned.filter((fields) => Object.hasOwn(fields as object, 'err'));
    const reason = { dependency: 'database', err: failure };
    await health.measure();
    await health.measure();
    assert.deepEqual(reasons(), [reason]);
    isUp = true;
    await health.measure();
    isUp = false;
    await health.measure();
    assert.deepEqual(reasons(), [reason, reason]);
  });
});
