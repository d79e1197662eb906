import { hash } from 'node:crypto';
import type { AssetType } from '../core/asset-type.ts';
import { type ByteStream, KIB } from '../core/bytes.ts';
import type { Clock } from '../core/clock.ts';
import { isStowageError, StowageError } from '../core/errors.ts';
import type { ObjectKey } from '../core/key.ts';
import { ownerName, type Principal } from '../core/principal.ts';
import { admit } from '../validation/admit.ts';
import type { Admission, UploadClaim, Verdict } from '../validation/gate.ts';
import { isDrawn, renderKey } from './key.ts';
import type { UploadBucket } from './upload.ts';

/** What the store and whoever waits for it tell each other. */
export interface PutTalk {
  /** Called for each key tried, when the file has passed the gate and only a short sync is awaited. It may still fail. */
  readonly onWhole: (file: StoredFile) => void;
  /** See `PutOptions`. */
  readonly inHand: () => number;
}

/** One file that is to become an asset. */
export interface FileToStore extends Partial<PutTalk> {
  readonly body: ByteStream;
  readonly claim: UploadClaim;
  readonly assetType: AssetType;
  /** What the client gave for the key. */
  readonly fields: ReadonlyMap<string, string>;
  readonly owner: Principal;
  readonly signal: AbortSignal;
  /** Whether `body` itself ends when the signal fires; if not, the gate watches the signal for each chunk. */
  readonly bodyEndsOnAbort: boolean;
}

/** A file that has passed the gate into the store, and of which no row tells yet. */
export interface StoredFile {
  readonly key: ObjectKey;
  readonly verdict: Verdict;
  /** SHA-256 of the content, lower-case hex. */
  readonly contentHash: string;
}

/** How often a key is drawn when the one before is taken. */
const KEYS_MAX = 3;

/**
 * Size up to which a file that was read to its end gets another key, in bytes. The stores gather as much themselves before
 * they write (256 KiB on local disk, 8 MiB in the clouds), so that keeping these chunks holds nothing for longer.
 */
export const KEPT_BYTES_MAX = 256 * KIB;

/**
 * Passes one file through the gate into the store. Every door ends here: nothing else puts an object that becomes an
 * asset. When it throws, nothing of the file is stored.
 *
 * @throws StowageError what the gate, the key and the bucket throw; `conflict` when the key was taken.
 */
export async function storeFile(
  { bucket, clock }: { readonly bucket: UploadBucket; readonly clock: Clock },
  file: FileToStore,
): Promise<StoredFile> {
  const { claim, assetType, fields, owner, signal, onWhole, inHand } = file;
  const admission = await admit(file.body, claim, assetType, {
    keptBytesMax: KEPT_BYTES_MAX,
    ...(!file.bodyEndsOnAbort && { signal }),
  });
  const judged = new StartableBody(admission);
  const { filename } = admission.name;
  let body: ByteStream = judged;
  for (let attempt = 1; ; attempt += 1) {
    const nowMs = clock.now();
    try {
      const { tenantId, userId } = owner;
      const key = renderKey(assetType, { tenantId, userId, fields, nowMs, filename });
      await bucket.put(key, body, {
        mode: 'create',
        contentType: admission.mediaType,
        cacheControl: assetType.cacheControl,
        metadata: () => objectMetadata(owner, nowMs, admission.verdict()),
        ...(claim.sizeBytes !== null && { sizeBytes: claim.sizeBytes }),
        signal,
        ...(onWhole && { onWhole: () => onWhole(storedAs(key, admission)) }),
        ...(inHand && { inHand }),
      });
      return storedAs(key, admission);
    } catch (error) {
      const isTaken = isStowageError(error, 'object_exists');
      const mayDraw = isTaken && attempt < KEYS_MAX && isDrawn(assetType.keyTemplate);
      const again = mayDraw ? judged.again() : null;
      if (again === null) {
        await judged.end();
        if (!isTaken) throw error;
        throw new StowageError('conflict', 'Another upload took the same key.', { cause: error });
      }
      body = again;
    }
  }
}

function storedAs(key: ObjectKey, admission: Admission): StoredFile {
  const verdict = admission.verdict();
  return { key, verdict, contentHash: verdict.sha256.toString('hex') };
}

/** What is stored with the bytes. The owner's id is a pseudonym: object metadata holds no personal data. */
export function objectMetadata(
  owner: Pick<Principal, 'tenantId' | 'userId'>,
  nowMs: number,
  { sha256 }: Verdict,
): Record<string, string> {
  return {
    uploaded_by: pseudonym(owner),
    upload_timestamp: new Date(nowMs).toISOString(),
    content_hash: sha256.toString('hex'),
  };
}

/** 16 hex digits that stand for an owner: the same for all their files, different for every tenant. */
export function pseudonym(owner: Pick<Principal, 'tenantId' | 'userId'>): string {
  const known = pseudonyms.get(owner);
  if (known !== undefined) return known;
  const made = hash('sha256', ownerName(owner)).slice(0, 16);
  pseudonyms.set(owner, made);
  return made;
}

/** Of principals in use: a verified token is one for all its requests. */
const pseudonyms = new WeakMap<object, string>();

/** A judged body that knows whether somebody has begun to read it. */
class StartableBody implements ByteStream {
  readonly #admission: Admission;
  #isStarted = false;

  constructor(admission: Admission) {
    this.#admission = admission;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    this.#isStarted = true;
    return this.#admission.body[Symbol.asyncIterator]();
  }

  /**
   * What another put can read after one that failed: this body when nobody began to read it, the kept chunks of a small
   * one that was read to its end. Null when its bytes can't be had again.
   */
  again(): ByteStream | null {
    return this.#isStarted ? this.#admission.again() : this;
  }

  /** Releases a body that nobody began to read. */
  async end(): Promise<void> {
    if (!this.#isStarted) await this.#admission.body[Symbol.asyncIterator]().return?.();
  }
}
