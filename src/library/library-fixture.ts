import assert from 'node:assert/strict';
import { globSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openTestDatabase } from '../catalog/testing.ts';
import { defineConfig } from '../config/define-config.ts';
import type { KeyTemplatesOf } from '../config/key-templates.ts';
import { type ErrorCode, isStowageError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Authenticate } from './authenticator.ts';
import type { Caller } from './callers.ts';
import { createStowage } from './create-stowage.ts';
import type { Stowage } from './stowage.ts';

const config = defineConfig({
  port: 0,
  assetTypes: {
    note: {
      accepts: { 'text/plain': ['txt'] },
      maxSize: '1mb',
      keyTemplate: 'notes/{user_id}/{uuid}_{filename}',
    },
    case_file: {
      accepts: { 'text/plain': ['txt'] },
      maxSize: '1mb',
      keyTemplate: 'cases/{case_id}/{uuid}_{filename}',
    },
  },
});

const links = {
  brand: { product_image: { min: 2, max: 4 }, logo: { max: 1 } },
  task: { attachment: {} },
} as const;

export type TestStowage = Stowage<KeyTemplatesOf<typeof config>, typeof links>;

/** A library on a database and a directory of its own. */
export interface LibraryFixture extends AsyncDisposable {
  readonly stowage: TestStowage;
  readonly directory: string;
  /** What was logged at warn and error. */
  readonly problems: Record<string, unknown>[];
  /** Files of the objects in the store, small ones apart: those wait in its journal. */
  stored(): string[];
}

export interface FixtureOptions {
  readonly authenticate?: Authenticate;
  readonly publicUrl?: () => string;
  readonly env?: Record<string, string>;
}

export const ALICE: Caller = { userId: 'alice', tenantId: 'acme' };
export const BOB: Caller = { userId: 'bob', tenantId: 'acme' };
export const FOREIGNER: Caller = { userId: 'alice', tenantId: 'globex' };

export async function openLibraryFixture(options: FixtureOptions = {}): Promise<LibraryFixture> {
  const directory = mkdtempSync(join(tmpdir(), 'stowage-library-'));
  const database = await openTestDatabase();
  const { host, port, user, database: name } = database.app;
  const problems: Record<string, unknown>[] = [];
  const stowage = await createStowage({
    cwd: directory,
    env: {
      DATABASE_URL: `postgres://${user}@/${name}?host=${encodeURIComponent(host ?? '')}&port=${port}`,
      ...options.env,
    },
    config,
    links,
    log: problemLog(problems),
    ...(options.authenticate !== undefined && { authenticate: options.authenticate }),
    ...(options.publicUrl !== undefined && { publicUrl: options.publicUrl }),
  });
  return {
    stowage,
    directory,
    problems,
    stored: () => globSync('data/files/objects/*/*', { cwd: directory }).sort(),
    async [Symbol.asyncDispose]() {
      await stowage.close();
      await database[Symbol.asyncDispose]();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

export async function* bytesOf(text: string): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(text);
}

/** Too long for the journal of small objects: it gets a file of its own at once. */
export const LONG_TEXT = 'Hello, library.\n'.repeat(30_000);

/** What a call takes to upload one note. */
export const aNote = (user: Caller = ALICE, text = LONG_TEXT) =>
  ({ user, body: bytesOf(text), filename: 'hello.txt', assetType: 'note' }) as const;

export async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk.slice());
  return Buffer.concat(chunks).toString();
}

/** Expects a refusal with a code. */
export async function refused(act: Promise<unknown>, code: ErrorCode, words?: RegExp): Promise<void> {
  await assert.rejects(act, (error) => {
    assert.ok(isStowageError(error, code), `${String(error)} is ${code}`);
    if (words !== undefined) assert.match(error.message, words);
    return true;
  });
}

function problemLog(problems: Record<string, unknown>[]): Log {
  const at = (level: string) => (fields: object, message: string) => {
    problems.push({ level, ...fields, message });
  };
  return { debug: () => {}, info: () => {}, warn: at('warn'), error: at('error') };
}

/** Serves requests on a port of the system's choice. */
export async function serve(
  listener: RequestListener,
): Promise<{ readonly origin: string } & AsyncDisposable> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
