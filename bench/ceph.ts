import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, scratch } from './harness.ts';

const SCRIPT = join(import.meta.dirname, '../test/servers/ceph.sh');

/** A Ceph gateway of this bench, its objects in memory; null where Debian's packages are not installed. */
export async function startCeph(): Promise<{ readonly origin: string; stop(): void } | null> {
  const programs = ['radosgw', 'ceph-mon', 'ceph-osd'].map((name) => `command -v ${name}`).join(' && ');
  if (spawnSync('sh', ['-c', programs]).status !== 0) return null;
  const directory = join(scratch(), 'ceph');
  mkdirSync(directory);
  const port = await freePort();
  const started = spawnSync(SCRIPT, ['start', directory, String(port), String(await freePort())], {
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: 60_000,
  });
  const stop = (): void => void spawnSync(SCRIPT, ['stop', directory], { timeout: 20_000 });
  // It runs detached: whoever ends the bench ends it too.
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      stop();
      process.exit(1);
    });
  if (started.status === 0) return { origin: `http://127.0.0.1:${port}`, stop };
  stop();
  throw new Error('Ceph is installed but did not start.');
}
