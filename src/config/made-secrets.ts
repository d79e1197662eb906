import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, linkSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { makeDirectories } from '../core/make-directories.ts';
import { syncDirectoryNow } from '../core/sync-directory.ts';

/** Secrets that Stowage made for itself because nobody set any. */
export interface MadeSecrets {
  readonly signingSecret: string;
  readonly jwtSecret: string;
  /** Whether this call made them; false when they were there. */
  readonly made: boolean;
}

/** Name of the file below `DATA_DIR` that keeps them. */
export const SECRETS_FILE = 'secrets.json';

/**
 * Reads the secrets kept in the data directory, making them first when there are none. The file has mode 0600. Of
 * several processes that make them at once one wins and all return the same: the file appears whole, by a link that
 * fails when the name is taken.
 *
 * @throws Error when the directory can't be written or the file is damaged; the message holds no secret.
 */
export function openMadeSecrets(dataDir: string): MadeSecrets {
  const path = join(dataDir, SECRETS_FILE);
  const existing = readSecrets(path);
  if (existing !== undefined) return { ...existing, made: false };
  makeDirectories(dataDir, 0o700);
  const draftPath = `${path}.${process.pid}.${randomBytes(6).toString('hex')}`;
  try {
    writeDraft(draftPath, {
      signing_secret: randomBytes(32).toString('base64url'),
      jwt_secret: randomBytes(32).toString('base64url'),
    });
    const made = linkWhenFree(draftPath, path);
    syncDirectoryNow(dataDir);
    const secrets = readSecrets(path);
    if (secrets === undefined) throw new Error(`${SECRETS_FILE} vanished while it was being made.`);
    return { ...secrets, made };
  } finally {
    rmSync(draftPath, { force: true });
  }
}

function readSecrets(path: string): Omit<MadeSecrets, 'made'> | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  const record = parseRecord(text);
  const signingSecret = record.signing_secret;
  const jwtSecret = record.jwt_secret;
  if (typeof signingSecret !== 'string' || typeof jwtSecret !== 'string') {
    throw new Error(
      `${SECRETS_FILE} is damaged: it lacks signing_secret or jwt_secret. Restore it from a backup.`,
    );
  }
  return { signingSecret, jwtSecret };
}

function parseRecord(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return { ...value };
  } catch {
    // The parser's message quotes the text, which is secret.
  }
  return {};
}

function writeDraft(path: string, secrets: Record<string, string>): void {
  const file = openSync(path, 'wx', 0o600);
  try {
    writeSync(file, `${JSON.stringify(secrets, null, 2)}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function linkWhenFree(draftPath: string, path: string): boolean {
  try {
    linkSync(draftPath, path);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}
