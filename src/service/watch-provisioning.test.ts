import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { silentLog } from '../core/log.ts';
import type { Finding } from '../provisioning/provider.ts';
import { openMemoryBackend } from '../storage/index.ts';
import { createHealth } from './health.ts';
import { loadServiceConfig } from './load-service-config.ts';
import { askStore, watchProvisioning } from './watch-provisioning.ts';

const FINE: Finding = { check: 'anonymous_read', status: 'ok', detail: 'Refused.', mend: null };
const DRIFT: Finding = { check: 'cors', status: 'fail', detail: 'Open.', mend: 'Apply.' };

async function configWith(provisioning: object) {
  const file = { values: new Map<string, string>(), assetTypes: undefined, provisioning };
  const env = { JWT_SECRET: 'x'.repeat(32), SIGNING_SECRET: 'y'.repeat(32) };
  return loadServiceConfig({ env, cwd: import.meta.dirname, file });
}

test('a scheduled verification shows in the health, and drift degrades it without taking the service away', async () => {
  let nowMs = 0;
  const clock = { now: () => nowMs };
  let answer: readonly Finding[] | Error = [FINE];
  let asked = 0;
  const health = createHealth({
    ...{ catalog: { ping: async () => 1 }, bucket: openMemoryBackend(), clock, log: silentLog },
  });
  await health.measure();
  const [task, ...others] = watchProvisioning(await configWith({ verifyEveryHours: 1 }), {
    ...{ health, clock, log: silentLog },
    ask: async () => {
      asked += 1;
      if (answer instanceof Error) throw answer;
      return answer;
    },
  });
  assert.ok(task !== undefined && others.length === 0);
  const { signal } = new AbortController();
  const state = () => {
    const { status, dependencies } = health.snapshot();
    return [status, (dependencies as Readonly<Record<string, { status: string }>>).provisioning?.status];
  };
  await task.run(signal);
  assert.deepEqual(state(), ['ok', 'ok']);
  answer = [FINE, DRIFT];
  await task.run(signal);
  assert.equal(asked, 1, 'not before an hour has passed');
  nowMs += 3_600_000;
  await task.run(signal);
  assert.deepEqual(state(), ['degraded', 'drift']);
  assert.equal(health.readiness(), 'ok');
  answer = new Error('no way to the store');
  nowMs += 3_600_000;
  await assert.rejects(async () => task.run(signal), answer);
  assert.deepEqual(state(), ['ok', 'unknown']);
});

test('nothing is verified that nobody asked for', async () => {
  const parts = { health: { noteStore: () => undefined }, clock: { now: () => 0 }, log: silentLog };
  assert.deepEqual(watchProvisioning(await configWith({}), parts), []);
});

test('a directory that others can read is told, and one that is not there yet is not', async () => {
  const root = mkdtempSync(join(tmpdir(), 'stowage-watch-'));
  try {
    const config = await configWith({ local: { freeSpaceMin: '1kb' } });
    const at = (path: string) => ({ ...config, storage: { ...config.storage, local: { path } } });
    const { signal } = new AbortController();
    assert.deepEqual(await askStore(at(join(root, 'missing')), signal), []);
    const open = join(root, 'open');
    mkdirSync(open);
    chmodSync(open, 0o755);
    const failed = (await askStore(at(open), signal)).filter(({ status }) => status === 'fail');
    assert.deepEqual(
      failed.map(({ check }) => check),
      ['mode'],
    );
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});
