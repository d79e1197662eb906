import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AccessEntry, Asset, Catalog } from '../catalog/catalog.ts';
import { collect } from '../catalog/laws/ground.ts';
import { openTestCatalog, type TestCatalog } from '../catalog/testing.ts';
import type { AssetType } from '../core/asset-type.ts';
import { type ByteStream, KIB, MIB } from '../core/bytes.ts';
import { StowageError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Principal } from '../core/principal.ts';
import { Bucket } from '../storage/bucket.ts';
import { type MemoryBackend, openMemoryBackend } from '../storage/memory/backend.ts';
import { createIntake } from './intake.ts';
import type { FormUploadRequest, Intake, IntakeOptions, UploadBucket, UploadCatalog } from './upload.ts';

/** For tests: an intake on a store in memory, a spool in a temporary directory and a catalog on a database of its own. */
export interface IntakeFixture extends AsyncDisposable {
  readonly intake: Intake;
  readonly backend: MemoryBackend;
  readonly catalog: Catalog;
  readonly spoolDir: string;
  readonly logged: readonly LoggedLine[];
  /** All keys in the store. */
  keys(): Promise<string[]>;
  /** All stored assets, of every tenant, in id order. */
  assets(): Promise<readonly Asset[]>;
  /** The whole access log, in the order it was written. */
  entries(): Promise<AccessEntry[]>;
  /** When the claim on an Idempotency-Key of Alice was made or last renewed; undefined when there is none. */
  claimedAtMs(key: string): Promise<number | undefined>;
  spoolNames(): Promise<string[]>;
}

export interface LoggedLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

export interface FixtureOptions extends Partial<Omit<IntakeOptions, 'bucket' | 'catalog'>> {
  /** Puts something between the intake and the store. */
  readonly wrapBucket?: (bucket: UploadBucket) => UploadBucket;
  /** Puts something between the intake and the catalog. */
  readonly wrapCatalog?: (catalog: UploadCatalog) => UploadCatalog;
}

export const NOTE: AssetType = {
  name: 'note',
  accepts: { 'text/plain': ['txt'] },
  fileBytesMax: MIB,
  keyTemplate: 'notes/{user_id}/{uuid8}_{filename}',
  cacheControl: 'private, no-cache',
  unusedDaysMax: null,
  filesPerRequestMax: 3,
  visibility: 'private',
};
const TASK_NOTE: AssetType = {
  ...NOTE,
  name: 'task_note',
  fileBytesMax: 2 * MIB,
  keyTemplate: 'tasks/{task_id}/{uuid}_{filename}',
  filesPerRequestMax: 10,
};
const BOOK: AssetType = { ...NOTE, name: 'book', fileBytesMax: 300 * MIB };

export const ALICE: Principal = { userId: 'alice', tenantId: 'acme', role: 'user' };

export async function openIntakeFixture(options: FixtureOptions = {}): Promise<IntakeFixture> {
  const { wrapBucket, wrapCatalog, clock = { now: () => 1_700_000_000_000 }, ...given } = options;
  const backend = openMemoryBackend();
  const bucket = new Bucket(backend);
  const store = await openTestCatalog({ clock });
  const { catalog } = store;
  const logged: LoggedLine[] = [];
  const spoolDir = await mkdtemp(join(tmpdir(), 'stowage-spool-'));
  const intake = await createIntake({
    bucket: wrapBucket?.(bucket) ?? bucket,
    catalog: wrapCatalog?.(catalog) ?? catalog,
    backendName: 'memory',
    assetTypes: new Map([NOTE, TASK_NOTE, BOOK].map((type) => [type.name, type])),
    uploadLimit: { filesMax: 100, windowSeconds: 3600 },
    spoolDir,
    spoolBytesMax: 64 * MIB,
    clock,
    log: recordingLog(logged),
    ...given,
  });
  return {
    intake,
    backend,
    catalog,
    spoolDir,
    logged,
    keys: async () => {
      const page = await backend.list({ prefix: '', cursor: null, limit: 1000 });
      return page.entries.map(({ key }) => key);
    },
    assets: () => catalog.walkAssets({ backend: null, afterId: null, limit: 1000 }),
    entries: () => entriesOf(catalog),
    claimedAtMs: (key) => claimedAtMs(store, key),
    async spoolNames() {
      const entries = await readdir(spoolDir, { recursive: true, withFileTypes: true });
      return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
    },
    async [Symbol.asyncDispose]() {
      await intake.close();
      await rm(spoolDir, { recursive: true, force: true });
      await store[Symbol.asyncDispose]();
    },
  };
}

async function entriesOf(catalog: Catalog): Promise<AccessEntry[]> {
  const exported = await collect(catalog.exportAccessLog());
  return exported.map(({ entryId: _id, entryHash: _hash, sealId: _seal, ...entry }) => entry);
}

async function claimedAtMs({ database }: TestCatalog, key: string): Promise<number | undefined> {
  const row = await database.queries
    .selectFrom('idempotency_keys')
    .select('claimed_at')
    .where('tenant_id', '=', ALICE.tenantId)
    .where('user_id', '=', ALICE.userId)
    .where('key', '=', key)
    .executeTakeFirst();
  return row?.claimed_at.getTime();
}

function recordingLog(lines: LoggedLine[]): Log {
  const at = (level: LoggedLine['level']) => (fields: object, message: string) => {
    lines.push({ level, fields: { ...fields }, message });
  };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** One part of a form to send: a field, or a file when it has a `filename`. */
export interface PartToSend {
  readonly name: string;
  readonly value: string | Buffer;
  readonly filename?: string;
  readonly type?: string;
  /** More header lines of the part. */
  readonly headers?: readonly string[];
}

/** The field that names {@link NOTE}. */
export const TYPE: PartToSend = { name: 'asset_type', value: 'note' };

export const BOUNDARY = '----stowage-test-7MA4YWxkTrZu0gW';

/** The body of a form. */
export function formBody(parts: readonly PartToSend[]): Buffer {
  const pieces = parts.flatMap(({ name, value, filename, type, headers = [] }) => [
    Buffer.from(
      `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"` +
        (filename === undefined ? '' : `; filename="${filename}"`) +
        (type === undefined ? '' : `\r\nContent-Type: ${type}`) +
        headers.map((line) => `\r\n${line}`).join('') +
        '\r\n\r\n',
    ),
    Buffer.from(value),
    Buffer.from('\r\n'),
  ]);
  return Buffer.concat([...pieces, Buffer.from(`--${BOUNDARY}--\r\n`)]);
}

export function note(filename: string, value: string | Buffer = `This is ${filename}.\n`): PartToSend {
  return { name: 'files', filename, type: 'text/plain', value };
}

/** A request with a form, by Alice, in chunks of 16 KiB. */
export function formRequest(
  parts: readonly PartToSend[] | Buffer,
  changes: Partial<FormUploadRequest> = {},
): FormUploadRequest {
  const body = Buffer.isBuffer(parts) ? parts : formBody(parts as readonly PartToSend[]);
  return {
    body: inChunks(body, 16 * KIB),
    contentType: `multipart/form-data; boundary=${BOUNDARY}`,
    contentLength: body.length,
    query: new Map(),
    principal: ALICE,
    origin: { requestId: 'r1', ipAddress: '192.0.2.1', userAgent: 'test' },
    reprDigest: null,
    idempotencyKey: null,
    signal: new AbortController().signal,
    ...changes,
  };
}

export async function* inChunks(bytes: Buffer, chunkBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
}

/** A bucket whose puts fail from the given one on, counted from 1. */
export function failingFromPut(first: number): (bucket: UploadBucket) => UploadBucket {
  return (bucket) => {
    let puts = 0;
    return {
      put: async (key, body: ByteStream, putOptions) => {
        puts += 1;
        if (puts >= first) throw new StowageError('storage_unavailable', 'The store is down.');
        return bucket.put(key, body, putOptions);
      },
      deleteMany: (keys, callOptions) => bucket.deleteMany(keys, callOptions),
    };
  };
}

/** A catalog before whose commits something happens. When it throws, the commit is not asked for. */
export function beforeCommit(act: () => void): (catalog: UploadCatalog) => UploadCatalog {
  return (catalog) => ({
    ...catalog,
    commitUpload: async (...given) => {
      act();
      return catalog.commitUpload(...given);
    },
  });
}
