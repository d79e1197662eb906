import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chown, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const STOWAGE = fileURLToPath(new URL('../../../bin/stowage.js', import.meta.url));
/** A user id that belongs to nobody here. */
const NOBODYS_ID = freeUserId();

/** Where PostgreSQL can't run, by how root becomes that account; and what is told. */
const ACCOUNTS = [
  {
    title: 'a user id that has no entry in /etc/passwd',
    setpriv: [`--reuid=${NOBODYS_ID}`, `--regid=${NOBODYS_ID}`, '--clear-groups'],
    owner: NOBODYS_ID,
    told: /no entry in \/etc\/passwd.*Run as a named user\. Set DATABASE_URL/s,
  },
  {
    title: 'a root that may not become another user',
    setpriv: ['--bounding-set=-setuid,-setgid', '--inh-caps=-setuid,-setgid'],
    owner: 0,
    told: /no CAP_SETUID.*Run Stowage as an ordinary user\. Set DATABASE_URL/s,
  },
];

for (const { title, setpriv, owner, told } of ACCOUNTS) {
  test(`${title} is told what to do, and what to set instead`, async (context) => {
    const dataDir = await mkdtemp(join(tmpdir(), 'stowage-account-'));
    context.after(() => rm(dataDir, { recursive: true, force: true }));
    await chown(dataDir, owner, owner).catch(() => {});
    const become = (command: readonly string[], env = process.env) =>
      spawnSync('setpriv', [...setpriv, ...command], { encoding: 'utf8', timeout: 60_000, env });
    for (const tried of [become([process.execPath, '--check', STOWAGE]), become(['test', '-w', dataDir])]) {
      if (tried.status !== 0)
        return context.skip(
          `Only root with setpriv, in places open to others, can try it: ${tried.stderr || tried.error}`,
        );
    }
    const { PATH } = process.env;
    const run = become([process.execPath, STOWAGE, 'serve'], { PATH, DATA_DIR: dataDir, PORT: '0' });
    assert.equal(run.status, 1, run.stderr);
    assert.match(run.stderr + run.stdout, told);
  });
}

function freeUserId(): number {
  let id = 54_321;
  while (spawnSync('getent', ['passwd', String(id)]).status === 0) id += 1;
  return id;
}
