import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PlacedAsset } from '../catalog/asset-moves.ts';
import type { AccessEntry, Asset, Catalog, HeldClaim, UploadCommit } from '../catalog/catalog.ts';
import type { AssetType } from '../core/asset-type.ts';
import { type ByteStream, KIB, MIB } from '../core/bytes.ts';
import { StowageError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Principal } from '../core/principal.ts';
import { Bucket } from '../storage/bucket.ts';
import { type MemoryBackend, openMemoryBackend } from '../storage/memory/backend.ts';
import { createIntake } from './intake.ts';
import type { FormUploadRequest, Intake, IntakeOptions, UploadBucket, UploadCatalog } from './upload.ts';

/** For tests: an intake on a store in memory, a spool in a temporary directory and a catalog of the fewest words. */
export interface IntakeFixture extends AsyncDisposable {
  readonly intake: Intake;
  readonly backend: MemoryBackend;
  readonly catalog: RecordingCatalog;
  readonly spoolDir: string;
  readonly logged: readonly LoggedLine[];
  /** All keys in the store. */
  keys(): Promise<string[]>;
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
  /** Stands before the catalog's commit. */
  readonly beforeCommit?: () => void;
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
  const { wrapBucket, beforeCommit, ...given } = options;
  const backend = openMemoryBackend();
  const bucket = new Bucket(backend);
  const catalog = new RecordingCatalog(beforeCommit);
  const logged: LoggedLine[] = [];
  const spoolDir = await mkdtemp(join(tmpdir(), 'stowage-spool-'));
  const intake = await createIntake({
    bucket: wrapBucket?.(bucket) ?? bucket,
    catalog,
    backendName: 'memory',
    assetTypes: new Map([NOTE, TASK_NOTE, BOOK].map((type) => [type.name, type])),
    uploadLimit: { filesMax: 100, windowSeconds: 3600 },
    spoolDir,
    spoolBytesMax: 64 * MIB,
    clock: { now: () => 1_700_000_000_000 },
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
    async spoolNames() {
      const entries = await readdir(spoolDir, { recursive: true, withFileTypes: true });
      return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
    },
    async [Symbol.asyncDispose]() {
      await intake.close();
      await rm(spoolDir, { recursive: true, force: true });
    },
  };
}

function recordingLog(lines: LoggedLine[]): Log {
  const at = (level: LoggedLine['level']) => (fields: object, message: string) => {
    lines.push({ level, fields: { ...fields }, message });
  };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** The catalog's promises about uploads, kept in memory: what the intake's own tests can look into. */
export class RecordingCatalog
  implements UploadCatalog, Pick<Catalog, 'tombstoneAsset' | 'forgetAsset' | 'listAssetsOfUser'>
{
  readonly assets = new Map<string, Asset>();
  readonly tombstones = new Map<string, Asset>();
  readonly entries: AccessEntry[] = [];
  readonly #beforeCommit: () => void;
  readonly #used = new Map<string, number>();
  readonly #claims = new Map<string, { fingerprint: string; nowMs: number; response?: unknown }>();
  /** When claims were renewed. */
  readonly renewalsMs: number[] = [];

  constructor(beforeCommit: () => void = () => {}) {
    this.#beforeCommit = beforeCommit;
  }

  async commitUpload(upload: UploadCommit): ReturnType<Catalog['commitUpload']> {
    this.#beforeCommit();
    const id = ownerId(upload.owner);
    const used = this.#used.get(id) ?? 0;
    const { filesMax: limit, windowSeconds: resetSeconds } = upload.limit;
    if (used + upload.assets.length > limit) {
      return { outcome: 'rate_limited', allowance: { limit, remaining: limit - used, resetSeconds } };
    }
    for (const asset of upload.assets) this.assets.set(asset.assetId, { ...asset, state: 'stored' });
    this.entries.push(...upload.entries);
    this.#used.set(id, used + upload.assets.length);
    if (upload.idempotency !== null) {
      const claim = this.#claims.get(`${id} ${upload.idempotency.key}`);
      if (claim !== undefined) claim.response = upload.idempotency.response;
    }
    return {
      outcome: 'recorded',
      allowance: { limit, remaining: limit - used - upload.assets.length, resetSeconds },
    };
  }

  async uploadAllowance(
    ...[owner, { filesMax: limit, windowSeconds }]: Parameters<Catalog['uploadAllowance']>
  ): ReturnType<Catalog['uploadAllowance']> {
    const used = this.#used.get(ownerId(owner)) ?? 0;
    return { limit, remaining: Math.max(0, limit - used), resetSeconds: windowSeconds };
  }

  async findAsset(tenantId: string, assetId: string): Promise<Asset | undefined> {
    const asset = this.assets.get(assetId);
    return asset?.tenantId === tenantId ? asset : undefined;
  }

  async recordAccess(entry: AccessEntry): Promise<void> {
    this.entries.push(entry);
  }

  async claimIdempotencyKey(
    claim: Parameters<Catalog['claimIdempotencyKey']>[0],
  ): ReturnType<Catalog['claimIdempotencyKey']> {
    const id = `${ownerId(claim)} ${claim.key}`;
    const before = this.#claims.get(id);
    if (before === undefined) {
      this.#claims.set(id, { fingerprint: claim.fingerprint, nowMs: claim.nowMs });
      return { state: 'new' };
    }
    if (before.fingerprint !== claim.fingerprint) return { state: 'mismatch' };
    return before.response === undefined
      ? { state: 'running' }
      : { state: 'done', response: before.response };
  }

  async renewIdempotencyKey(claim: HeldClaim, nowMs: number): Promise<boolean> {
    const held = this.#claims.get(`${ownerId(claim)} ${claim.key}`);
    if (held === undefined || held.response !== undefined || held.nowMs !== claim.nowMs) return false;
    held.nowMs = nowMs;
    this.renewalsMs.push(nowMs);
    return true;
  }

  async releaseIdempotencyKey(claim: HeldClaim): Promise<void> {
    const id = `${ownerId(claim)} ${claim.key}`;
    const held = this.#claims.get(id);
    if (held?.response === undefined && held?.nowMs === claim.nowMs) this.#claims.delete(id);
  }

  async tombstoneAsset(
    tenantId: string,
    assetId: string,
    entry: AccessEntry,
  ): Promise<PlacedAsset | undefined> {
    const asset = await this.findAsset(tenantId, assetId);
    if (asset === undefined) return undefined;
    this.assets.delete(assetId);
    this.tombstones.set(assetId, asset);
    this.entries.push(entry);
    return { ...asset, copies: [] };
  }

  async forgetAsset(assetId: string): Promise<void> {
    this.tombstones.delete(assetId);
  }

  async listAssetsOfUser(tenantId: string, userId: string, limit: number): Promise<readonly Asset[]> {
    const all = [...this.assets.values()];
    return all.filter((asset) => asset.tenantId === tenantId && asset.userId === userId).slice(0, limit);
  }
}

function ownerId({ tenantId, userId }: Pick<Principal, 'tenantId' | 'userId'>): string {
  return JSON.stringify([tenantId, userId]);
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
