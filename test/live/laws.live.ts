// The law book on a real cloud. `scripts/test-live.mjs` starts it; `npm test` does not know its name.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after } from 'node:test';
import { systemClock } from '../../src/core/clock.ts';
import { silentLog } from '../../src/core/log.ts';
import { loadServiceConfig } from '../../src/service/load-service-config.ts';
import { openStorage } from '../../src/service/open-storage.ts';
import { describeBackend } from '../../src/storage/conformance/describe-backend.ts';

const cwd = await mkdtemp(path.join(tmpdir(), 'stowage-live-'));
const env = { ...process.env, NODE_ENV: 'development', DATA_DIR: path.join(cwd, 'data') };
const config = await loadServiceConfig({ env, cwd });
const surroundings = { publicUrl: 'http://127.0.0.1', clock: systemClock, log: silentLog };

after(async () => {
  await removeAll();
  await rm(cwd, { recursive: true, force: true });
});

describeBackend({
  name: `${config.storage.backend} itself`,
  open: async () => {
    const storage = await openStorage(config, surroundings);
    return { backend: storage.bucket, [Symbol.asyncDispose]: () => storage.bucket.close() };
  },
});

/** What the laws left: each keeps to a prefix of its own below `laws/`. */
async function removeAll(): Promise<void> {
  const { bucket } = await openStorage(config, surroundings);
  for (;;) {
    const { entries } = await bucket.list({ prefix: 'laws/', cursor: null, limit: 1000 });
    if (entries.length === 0) break;
    const failures = await bucket.deleteMany(
      entries.map(({ key }) => key),
      {},
    );
    if (failures.length > 0) throw failures[0]?.error;
  }
  await bucket.close();
}
