import { stat, statfs } from 'node:fs/promises';
import { formatByteSize, GIB, streamOf } from '../core/bytes.ts';
import type { Clock } from '../core/clock.ts';
import { isStowageError } from '../core/errors.ts';
import { newUuid } from '../core/ids.ts';
import { parseObjectKey } from '../core/key.ts';
import type { StorageBackend } from '../storage/backend.ts';

/** The answer to one question about the installation. Names are those of `stowage doctor --json`. */
export interface Diagnosis {
  readonly check: string;
  readonly status: 'ok' | 'warn' | 'fail';
  readonly detail: string;
  /** What mends it; null when all is well. */
  readonly mend: string | null;
}

/** What a database says about itself. */
export interface DatabaseFacts {
  /** For example `18.4`. */
  readonly version: string;
  readonly major: number;
  readonly role: string;
  readonly isSuperuser: boolean;
  readonly pendingMigrations: readonly string[];
  /** Purges of a CDN that wait: since when the oldest, and its last problem. */
  readonly oldestPurge: { readonly requestedMs: number; readonly problem: string | null } | null;
  /** Its clock, in milliseconds since the epoch. */
  readonly nowMs: number;
}

/** What the doctor examines. */
export interface DoctorParts {
  /** For example `24.21.0`. */
  readonly nodeVersion: string;
  readonly environment: 'production' | 'development' | 'test';
  /** Sentences of the settings that work and should be seen. */
  readonly settingWarnings: readonly string[];
  readonly publicUrl: string | null;
  readonly dataDir: string;
  /** Files that hold secrets, absolute; those that don't exist are skipped. */
  readonly secretFiles: readonly string[];
  /** Secrets by the name of their setting, to judge how guessable they are. */
  readonly secrets: ReadonlyMap<string, readonly string[]>;
  /** Directory of the local backend; null on the clouds. */
  readonly storageDir: string | null;
  readonly askDatabase: () => Promise<DatabaseFacts>;
  readonly openBucket: () => Promise<Pick<StorageBackend, 'name' | 'put' | 'get' | 'delete'>>;
  /** Asks the store from outside, as a stranger and as the service would. */
  readonly askStore: () => Promise<readonly Diagnosis[]>;
  readonly clock: Clock;
}

/** Oldest and newest PostgreSQL that is supported. */
const MAJORS = { min: 15, max: 18 } as const;
const FREE_BYTES_WARN = 5 * GIB;
const FREE_BYTES_FAIL = GIB;
const SKEW_MS_WARN = 2_000;
/** A cache that has been away for longer than the longest wait between two attempts. */
const PURGE_MS_WARN = 15 * 60_000;
/** Distinct characters below which a secret was typed rather than drawn. */
const SECRET_CHARACTERS_MIN = 10;

/** Examines the installation. Every question is asked, whatever the others answer. */
export async function examine(parts: DoctorParts): Promise<readonly Diagnosis[]> {
  const questions: readonly (readonly [string, () => Promise<readonly Diagnosis[]>])[] = [
    ['node', async () => [node(parts.nodeVersion)]],
    ['settings', async () => settings(parts.settingWarnings)],
    ['public_url', async () => [publicUrl(parts)]],
    ['secrets', async () => secrets(parts.secrets)],
    ['data_dir', () => dataDirectory(parts)],
    ['database', () => database(parts)],
    ['storage', () => storage(parts)],
    ['provisioning', parts.askStore],
    ['free_space', () => freeSpace(parts)],
  ];
  const answers: Diagnosis[] = [];
  for (const [check, ask] of questions) {
    try {
      answers.push(...(await ask()));
    } catch (error) {
      answers.push(fail(check, messageOf(error), mendOf(check)));
    }
  }
  return answers;
}

function node(version: string): Diagnosis {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const fits = major > 22 || (major === 22 && minor >= 18);
  return fits
    ? ok('node', `Node ${version}.`)
    : fail('node', `Node ${version} is too old.`, 'Install Node 22.18 or newer.');
}

function settings(warnings: readonly string[]): readonly Diagnosis[] {
  if (warnings.length === 0) return [ok('settings', 'All settings are understood.')];
  return warnings.map((warning) => warn('settings', warning, 'See docs/reference/configuration.md.'));
}

function publicUrl({ publicUrl: url, environment }: DoctorParts): Diagnosis {
  if (url === null) {
    if (environment !== 'production')
      return ok('public_url', 'Not set: signed URLs name the address listened on.');
    return warn('public_url', 'Not set in production.', 'Set PUBLIC_URL to the address that clients use.');
  }
  if (url.startsWith('https:') || environment !== 'production') return ok('public_url', `${url}.`);
  return warn(
    'public_url',
    `${url} is not https.`,
    'Put a proxy with TLS in front and set PUBLIC_URL to https.',
  );
}

function secrets(named: DoctorParts['secrets']): readonly Diagnosis[] {
  const weak = [...named].filter(([, values]) =>
    values.some((value) => new Set(value).size < SECRET_CHARACTERS_MIN),
  );
  if (weak.length === 0)
    return [ok('secrets', `${[...named.keys()].join(', ') || 'None'}: long enough and varied.`)];
  return weak.map(([name]) =>
    warn('secrets', `${name} has few different characters.`, 'Draw one: openssl rand -base64 48'),
  );
}

async function dataDirectory({ dataDir, secretFiles }: DoctorParts): Promise<readonly Diagnosis[]> {
  const info = await stat(dataDir).catch(() => undefined);
  if (info === undefined) return [ok('data_dir', `${dataDir} is made on the first start.`)];
  const answers: Diagnosis[] = [];
  // Others may pass through (the database's own account must), but neither list nor write.
  if ((info.mode & 0o066) === 0) answers.push(ok('data_dir', `${dataDir} is closed to others.`));
  else
    answers.push(
      warn('data_dir', `${dataDir} can be listed or written by others.`, `chmod go-rw ${dataDir}`),
    );
  for (const path of secretFiles) {
    const file = await stat(path).catch(() => undefined);
    if (file === undefined) continue;
    if ((file.mode & 0o077) === 0) answers.push(ok('secret_file', `${path} is readable by its owner only.`));
    else answers.push(fail('secret_file', `${path} can be read by others.`, `chmod 600 ${path}`));
  }
  return answers;
}

async function database({ askDatabase, clock }: DoctorParts): Promise<readonly Diagnosis[]> {
  const facts = await askDatabase();
  const skewMs = Math.abs(facts.nowMs - clock.now());
  const { major, pendingMigrations: pending } = facts;
  return [
    major >= MAJORS.min && major <= MAJORS.max
      ? ok('database', `PostgreSQL ${facts.version}.`)
      : fail(
          'database',
          `PostgreSQL ${facts.version} is not supported.`,
          `Use ${MAJORS.min} to ${MAJORS.max}.`,
        ),
    facts.isSuperuser
      ? warn(
          'database_role',
          `The role ${facts.role} is a superuser: it could change the access log.`,
          'Use a role that is no superuser in DATABASE_URL.',
        )
      : ok('database_role', `The role ${facts.role} is no superuser.`),
    pending.length === 0
      ? ok('migrations', 'All migrations are applied.')
      : fail('migrations', `Not applied: ${pending.join(', ')}.`, 'Run "stowage migrate".'),
    skewMs <= SKEW_MS_WARN
      ? ok('clock', 'This clock and that of the database agree.')
      : warn('clock', `The clocks differ by ${Math.round(skewMs / 1000)} s.`, 'Synchronise both with NTP.'),
    ...purges(facts),
  ];
}

/** Says nothing where nothing waits: most installations have no CDN. */
function purges({ oldestPurge, nowMs }: DatabaseFacts): readonly Diagnosis[] {
  if (oldestPurge === null || nowMs - oldestPurge.requestedMs < PURGE_MS_WARN) return [];
  const minutes = Math.round((nowMs - oldestPurge.requestedMs) / 60_000);
  return [
    warn(
      'cdn_purges',
      `What was deleted ${minutes} minutes ago may still be in the CDN${oldestPurge.problem === null ? '.' : `: ${oldestPurge.problem}.`}`,
      'Is the service running, and CDN_PURGE_URL or CDN_DISTRIBUTION_ID right? See docs/guides/cdn.md.',
    ),
  ];
}

async function storage({ openBucket }: DoctorParts): Promise<readonly Diagnosis[]> {
  const bucket = await openBucket();
  const key = parseObjectKey(`incoming/doctor-${newUuid()}`);
  const bytes = Buffer.from('stowage doctor');
  await bucket.put(key, streamOf(bytes), {
    mode: 'create',
    contentType: 'text/plain',
    cacheControl: '',
    metadata: {},
    sizeBytes: bytes.length,
  });
  let seenBytes = 0;
  try {
    for await (const chunk of (await bucket.get(key, {})).body) seenBytes += chunk.byteLength;
  } finally {
    await bucket.delete(key, {});
  }
  return seenBytes === bytes.length
    ? [ok('storage', `The ${bucket.name} store takes, gives and removes an object.`)]
    : [fail('storage', `The ${bucket.name} store gave other bytes than it took.`, mendOf('storage'))];
}

async function freeSpace({ storageDir, dataDir }: DoctorParts): Promise<readonly Diagnosis[]> {
  const answers: Diagnosis[] = [];
  for (const path of new Set([storageDir, dataDir])) {
    const info = path === null ? undefined : await statfs(path).catch(() => undefined);
    if (path === null || info === undefined) continue;
    const freeBytes = info.bavail * info.bsize;
    const detail = `${formatByteSize(freeBytes)} free at ${path}.`;
    if (freeBytes < FREE_BYTES_FAIL) answers.push(fail('free_space', detail, 'Free some space.'));
    else if (freeBytes < FREE_BYTES_WARN) answers.push(warn('free_space', detail, 'Free some space soon.'));
    else answers.push(ok('free_space', detail));
  }
  return answers;
}

function ok(check: string, detail: string): Diagnosis {
  return { check, status: 'ok', detail, mend: null };
}

function warn(check: string, detail: string, mend: string): Diagnosis {
  return { check, status: 'warn', detail, mend };
}

function fail(check: string, detail: string, mend: string): Diagnosis {
  return { check, status: 'fail', detail, mend };
}

function mendOf(check: string): string {
  if (check === 'database') return 'Check DATABASE_URL and that the server answers.';
  if (check === 'storage') return 'Check the storage settings and who may write there.';
  return 'See docs/reference/cli.md.';
}

/** The message, and for our own errors also that of the cause, which is for operators. */
function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  if (!isStowageError(error) || !(error.cause instanceof Error)) return message;
  return `${message} (${error.cause.message || error.cause.name})`;
}
