import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmod,
  chown,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rm,
  stat,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { silentLog } from '../../core/log.ts';
import { isGone } from '../../core/test-process.ts';
import { openDatabase } from '../database.ts';
import { makeAsset, makeUpload } from '../fixtures.ts';
import { migrate } from '../migrate.ts';
import { postgresCatalog } from '../postgres-catalog.ts';
import { type TestMajor, testBinDir } from '../testing.ts';
import { findBinaries } from './binaries.ts';
import { type EmbeddedDatabase, openEmbeddedDatabase } from './embedded-database.ts';
import { type Location, prepareLocation } from './location.ts';
import { preparePackage } from './npm-binaries.ts';
import { EmbeddedDatabaseError } from './problems.ts';
import { startServer } from './server.ts';

const CHILD = fileURLToPath(new URL('../../../test/catalog/database-child.ts', import.meta.url));
const isRoot = process.getuid?.() === 0;

interface TestDirectory {
  readonly path: string;
  [Symbol.asyncDispose](): Promise<void>;
}

async function testDirectory(): Promise<TestDirectory> {
  const path = await mkdtemp(join(tmpdir(), 'stowage-embedded-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

async function open(dataDir: string, major: TestMajor = 18): Promise<EmbeddedDatabase & AsyncDisposable> {
  const embedded = await openEmbeddedDatabase({ dataDir, binDir: testBinDir(major), log: silentLog });
  return { ...embedded, [Symbol.asyncDispose]: embedded.close };
}

/** A process that holds the database, and what it says. A test that fails takes it along. */
function startChild(dataDir: string, work: 'hold' | 'commit', major: TestMajor = 18) {
  const child = spawn(
    process.execPath,
    ['--conditions=stowage-source', CHILD, dataDir, testBinDir(major), work],
    { stdio: ['pipe', 'pipe', 'pipe'] },
  );
  const errors: Promise<Buffer[]> = child.stderr.toArray().catch(() => []);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const nextLine = async (): Promise<string> => (await lines.next()).value ?? '';
  return {
    child,
    nextLine,
    /** Its first line; why it ended when it ended without one. */
    firstLine: async (): Promise<string> => (await nextLine()) || Buffer.concat(await errors).toString(),
    async [Symbol.asyncDispose](): Promise<void> {
      child.kill('SIGKILL');
      await ended(child);
    },
  };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null)
    await new Promise((resolve) => child.once('exit', resolve));
}

async function serverPid(dataDir: string): Promise<number> {
  return Number((await readFile(join(dataDir, 'database/cluster/postmaster.pid'), 'utf8')).split('\n')[0]);
}

/** Leaves a lock file as a server does: of the cluster, or of its socket. */
async function writeLock(
  location: Location,
  name: 'postmaster.pid' | '.s.PGSQL.5432.lock',
  text: string,
): Promise<void> {
  const file = join(name === 'postmaster.pid' ? location.clusterDirectory : location.socketDirectory, name);
  await writeFile(file, text, { mode: 0o600 });
  if (location.runAs !== null) await chown(file, location.runAs.uid, location.runAs.gid);
}

/** Waits for what another process does; the runner's time limit ends it. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await delay(10);
}

async function ask(embedded: EmbeddedDatabase, text: string): Promise<unknown> {
  const client = new Client(embedded.app);
  client.on('error', () => undefined);
  await client.connect();
  try {
    return Object.values((await client.query(text)).rows[0] ?? {})[0];
  } finally {
    await client.end();
  }
}

for (const major of [15, 18] as const satisfies TestMajor[]) {
  describe(`the embedded database, PostgreSQL ${major}`, () => {
    test('starts from nothing, keeps what it was given, and listens on no network', async () => {
      await using directory = await testDirectory();
      await using first = await open(directory.path, major);
      assert.equal(first.major, major);
      assert.equal(await ask(first, 'show listen_addresses'), '');
      assert.equal(await ask(first, 'show fsync'), 'on');
      assert.equal(await ask(first, 'show data_checksums'), 'on');
      assert.equal(await ask(first, 'select current_user::text'), 'stowage_app');
      await migrate(first.owner);
      await first.close();
      await using second = await open(directory.path, major);
      assert.equal((await migrate(second.owner)).applied.length, 0);
      await second.close();
    });

    test('killed with commits in flight: the server goes too, and every acknowledged commit is there', async () => {
      await using directory = await testDirectory();
      const acknowledged: string[] = [];
      for (let round = 0; round < 3; round += 1) {
        await using committing = startChild(directory.path, 'commit', major);
        const { child, nextLine } = committing;
        assert.equal(await committing.firstLine(), 'ready ours');
        const pid = await serverPid(directory.path);
        for (let count = 0; count < 150; count += 1) acknowledged.push(await nextLine());
        child.kill('SIGKILL');
        await ended(child);
        for (let line = await nextLine(); line !== ''; line = await nextLine()) {
          if (line.length === 36) acknowledged.push(line);
        }
        await until(() => isGone(pid));
      }
      await using embedded = await open(directory.path, major);
      const catalog = postgresCatalog(openDatabase(embedded.app, silentLog), { now: () => Date.now() });
      for (const id of acknowledged) {
        assert.ok(await catalog.findAsset('acme', id), `${id} was acknowledged`);
        const log = { tenantId: 'acme', userId: null, assetId: id, action: null, fromMs: null, toMs: null };
        assert.equal((await catalog.listAccess({ ...log, limit: 9, cursor: null })).items.length, 1);
      }
      await catalog.close();
      await embedded.close();
    });
  });
}

test('a PostgreSQL of the system is what runs, when the machine has one', {
  skip: process.platform !== 'linux',
}, async (context) => {
  await using directory = await testDirectory();
  await using programs = await testDirectory();
  // A copy of its own: where the account that runs a server for root can read it.
  const { PATH } = process.env;
  await chmod(programs.path, 0o755);
  const unpacked = join(programs.path, 'postgresql');
  await cp(dirname(dirname(testBinDir(15))), unpacked, { recursive: true, verbatimSymlinks: true });
  const system = await preparePackage(unpacked, await prepareLocation(directory.path, silentLog));
  context.after(() => {
    process.env.PATH = PATH;
  });
  process.env.PATH = `${system}:${PATH}`;
  const embedded = await openEmbeddedDatabase({ dataDir: directory.path, log: silentLog });
  try {
    const [running = ''] = (
      await readFile(join(directory.path, 'database/cluster/postmaster.opts'), 'utf8')
    ).split(' ');
    // The usual places of a Linux come before the path.
    const isOurs = running.startsWith(await realpath(system)) || running.startsWith(system);
    assert.ok(isOurs || running.startsWith('/usr/'), running);
    const version = String(await ask(embedded, 'show server_version_num'));
    assert.equal(Math.floor(Number(version) / 10_000), embedded.major);
    if (isOurs) assert.equal(embedded.major, 15);
  } finally {
    await embedded.close();
  }
});

test('two processes share one server, and the second takes over when the first is killed', async () => {
  await using directory = await testDirectory();
  await using first = startChild(directory.path, 'hold');
  assert.equal(await first.firstLine(), 'ready ours');
  await using second = await open(directory.path);
  assert.equal(second.isOurs(), false);
  const catalog = postgresCatalog(openDatabase(second.app, silentLog), { now: () => Date.now() });
  const asset = makeAsset();
  await catalog.commitUpload(makeUpload([asset]));
  const pid = await serverPid(directory.path);
  first.child.kill('SIGKILL');
  await until(async () => second.isOurs());
  assert.notEqual(await serverPid(directory.path), pid);
  // Connections of the pool that broke are replaced.
  await until(() =>
    catalog.ping().then(
      () => true,
      () => false,
    ),
  );
  assert.ok(await catalog.findAsset('acme', asset.assetId));
  await catalog.close();
  await second.close();
});

test('a process that joined can leave a server that is frozen', async () => {
  await using directory = await testDirectory();
  await using first = startChild(directory.path, 'hold');
  assert.equal(await first.firstLine(), 'ready ours');
  await using second = await open(directory.path);
  assert.equal(second.isOurs(), false);
  const client = new Client({ ...second.setup, database: 'postgres' });
  await client.connect();
  const watched = await client.query<{ pid: number }>(
    `select pid from pg_stat_activity where datname = 'postgres' and pid <> pg_backend_pid()`,
  );
  await client.end();
  for (const { pid } of watched.rows) process.kill(pid, 'SIGSTOP');
  try {
    assert.ok(watched.rows.length > 0);
    await second.close();
  } finally {
    for (const { pid } of watched.rows) process.kill(pid, 'SIGCONT');
  }
  first.child.stdin.end();
  await ended(first.child);
});

test('of several processes that start at once on an empty directory one runs the server and all can use it', async () => {
  await using directory = await testDirectory();
  await using started = new AsyncDisposableStack();
  const children = Array.from({ length: 4 }, () => started.use(startChild(directory.path, 'hold')));
  const said = await Promise.all(children.map(({ firstLine }) => firstLine()));
  assert.deepEqual(said.sort(), ['ready joined', 'ready joined', 'ready joined', 'ready ours']);
  const left = (await readdir(join(directory.path, 'database'))).filter((name) => name.startsWith('cluster'));
  assert.deepEqual(left, ['cluster']);
  // Each that ends may hand the server to one that stays; the last takes it down.
  for (const { child } of children) {
    child.stdin.end();
    await ended(child);
  }
  await assert.rejects(serverPid(directory.path), { code: 'ENOENT' });
});

test('a server that crashes is started again, and callers see database_unavailable meanwhile', async () => {
  await using directory = await testDirectory();
  await using embedded = await open(directory.path);
  await migrate(embedded.owner);
  const catalog = postgresCatalog(openDatabase(embedded.app, silentLog), { now: () => Date.now() });
  const asset = makeAsset();
  await catalog.commitUpload(makeUpload([asset]));
  const pid = await serverPid(directory.path);
  process.kill(pid, 'SIGKILL');
  const failures: string[] = [];
  await until(async () => {
    const error = await catalog.findAsset('acme', asset.assetId).then(
      () => null,
      (failure) => failure,
    );
    if (error !== null) failures.push(error.code);
    // Children of the killed server may still answer for a moment.
    return error === null && (await serverPid(directory.path).catch(() => pid)) !== pid;
  });
  assert.deepEqual(
    [...new Set(failures)].filter((code) => code !== 'database_unavailable'),
    [],
  );
  assert.ok(await catalog.findAsset('acme', asset.assetId));
  await catalog.close();
  await embedded.close();
});

test('a server that finds the lock of one that has only just begun waits for it', async () => {
  await using directory = await testDirectory();
  await (await open(directory.path)).close();
  const location = await prepareLocation(directory.path, silentLog);
  const binaries = await findBinaries(location, 18, testBinDir(18));
  // It is made first, and written to a moment later.
  await writeLock(location, 'postmaster.pid', '');
  const options = { location, binaries, durable: true, removeAtEnd: null, log: silentLog };
  assert.equal(await startServer(options), 'locked');
  await rm(join(location.clusterDirectory, 'postmaster.pid'));
  const server = await startServer(options);
  assert.notEqual(server, 'locked');
  if (server !== 'locked') await server.stop();
});

test('an empty lock file, whose server was cut off, does not keep the next from starting', async () => {
  await using directory = await testDirectory();
  await (await open(directory.path)).close();
  await writeLock(await prepareLocation(directory.path, silentLog), 'postmaster.pid', '');
  await using second = await open(directory.path);
  assert.equal(second.isOurs(), true);
});

test('lock files whose process id now belongs to somebody else do not keep the server from starting', async () => {
  await using directory = await testDirectory();
  await using first = await open(directory.path);
  const location = await prepareLocation(directory.path, silentLog);
  const ofCluster = await readFile(join(location.clusterDirectory, 'postmaster.pid'), 'utf8');
  const ofSocket = await readFile(join(location.socketDirectory, '.s.PGSQL.5432.lock'), 'utf8');
  await first.close();
  // An unrelated process of the same account, as in a container where ids repeat.
  const owner = await stat(location.clusterDirectory);
  const other = spawn('/bin/sleep', ['600'], isRoot ? { uid: owner.uid, gid: owner.gid } : {});
  await writeLock(location, 'postmaster.pid', ofCluster.replace(/^\d+/, String(other.pid)));
  await writeLock(location, '.s.PGSQL.5432.lock', ofSocket.replace(/^\d+/, String(other.pid)));
  try {
    await using second = await open(directory.path);
    assert.equal(second.isOurs(), true);
  } finally {
    other.kill();
  }
});

test('what a process that was killed while it set the server up left undone is done by the next', async () => {
  await using directory = await testDirectory();
  await using first = await open(directory.path);
  const client = new Client({ ...first.setup, database: 'postgres' });
  await client.connect();
  // As after `create database`.
  await client.query('revoke connect, create on database stowage from stowage_app');
  await client.end();
  await first.close();
  await using second = await open(directory.path);
  assert.equal(await ask(second, `select has_database_privilege('stowage', 'create')`), true);
});

test('what a killed initdb left behind is removed, and what a running one uses is not', async () => {
  await using directory = await testDirectory();
  const base = join(directory.path, 'database');
  await mkdir(join(base, 'cluster.new-old'), { recursive: true });
  await mkdir(join(base, 'cluster.new-young'), { recursive: true });
  await utimes(join(base, 'cluster.new-old'), 1, 1);
  await using embedded = await open(directory.path);
  const left = (await readdir(base)).filter((name) => name.startsWith('cluster'));
  assert.deepEqual(left.sort(), ['cluster', 'cluster.new-young']);
  await embedded.close();
});

test('a cluster of another major version is refused, with the way out', async () => {
  await using directory = await testDirectory();
  await (await open(directory.path, 15)).close();
  await assert.rejects(open(directory.path, 18), (error) => {
    assert.ok(error instanceof EmbeddedDatabaseError);
    assert.match(error.message, /made by PostgreSQL 15.*`stowage db export`.*Set DATABASE_URL/s);
    return true;
  });
});

test('a directory without binaries is refused, naming DATABASE_URL', async () => {
  await using directory = await testDirectory();
  const opening = openEmbeddedDatabase({ dataDir: directory.path, binDir: directory.path, log: silentLog });
  await assert.rejects(opening, /no PostgreSQL 15 to 18 was found.*Set DATABASE_URL/s);
});

test('a data directory with a very long path, spaces and quotes works', async () => {
  await using directory = await testDirectory();
  const dataDir = join(directory.path, `it's "quoted", and `.padEnd(90, 'long '), 'data');
  await using embedded = await open(dataDir);
  const { host } = embedded.app;
  assert.ok(Buffer.byteLength(`${host}/.s.PGSQL.5432`) <= 103);
  assert.equal(await ask(embedded, 'select 1'), 1);
  await embedded.close();
  await rm(String(host), { recursive: true, force: true });
});

test('a socket directory that is open to others is refused', async () => {
  await using directory = await testDirectory();
  const socket = join(directory.path, 'database/socket');
  await mkdir(socket, { recursive: true });
  await chmod(socket, 0o777);
  await assert.rejects(open(directory.path), /belongs to somebody else or is open to others/);
});

test('starting can be aborted', async () => {
  await using directory = await testDirectory();
  const signal = AbortSignal.abort();
  const opening = openEmbeddedDatabase({
    dataDir: directory.path,
    binDir: testBinDir(18),
    log: silentLog,
    signal,
  });
  await assert.rejects(opening, { code: 'aborted' });
});

test('a server that is told to end while it starts does end', async () => {
  await using directory = await testDirectory();
  await (await open(directory.path)).close();
  const location = await prepareLocation(directory.path, silentLog);
  const binaries = await findBinaries(location, 18, testBinDir(18));
  // Before the shell runs, before the server has a handler for the signal, and when it has one.
  for (const delayMs of [0, 1, 2, 5, 10, 20]) {
    const controller = new AbortController();
    const { signal } = controller;
    const starting = startServer({
      location,
      binaries,
      durable: true,
      removeAtEnd: null,
      log: silentLog,
      signal,
    });
    if (delayMs === 0) controller.abort();
    else setTimeout(() => controller.abort(), delayMs);
    await starting.then(
      (server) => (server === 'locked' ? undefined : server.gone),
      () => undefined,
    );
    await assert.rejects(serverPid(directory.path), { code: 'ENOENT' });
  }
  // Nothing of it is left that would keep another from starting.
  await using embedded = await open(directory.path);
  assert.equal(embedded.isOurs(), true);
});

if (isRoot) {
  test('as root, behind a closed directory, the database is kept elsewhere and found again', async () => {
    await using directory = await testDirectory();
    const home = join(directory.path, 'home');
    const dataDir = join(home, 'data');
    await mkdir(dataDir, { recursive: true });
    await chmod(home, 0o700);
    await using first = await open(dataDir);
    const { directory: elsewhere } = JSON.parse(
      await readFile(join(dataDir, 'database/location.json'), 'utf8'),
    );
    assert.match(elsewhere, /^\/var\/lib\/stowage\/[0-9a-f]{16}$/);
    await migrate(first.owner);
    await first.close();
    await using second = await open(dataDir);
    assert.equal((await migrate(second.owner)).applied.length, 0);
    assert.equal((await stat(home)).mode & 0o777, 0o700, 'a directory that is not ours is left as it was');
    await second.close();
    await rm(elsewhere, { recursive: true, force: true });
    await assert.rejects(open(dataDir), /says where the database is kept, and it is not there/);
  });
}
