import { type ByteStream, collectBytes, MIB, streamOf } from '../../core/bytes.ts';
import { isStowageError, StowageError } from '../../core/errors.ts';
import { type ObjectKey, parseObjectKey } from '../../core/key.ts';
import { silentLog } from '../../core/log.ts';
import type {
  CallOptions,
  CopyOptions,
  DeleteFailure,
  GetOptions,
  ListOptions,
  ListPage,
  MultipartUpload,
  ObjectBody,
  ObjectInfo,
  PutOptions,
  SignedUrl,
  SignReadOptions,
  WriteOptions,
} from '../backend.ts';
import { type RequestHandler, serveSignedUrls } from '../local/serve.ts';
import { createSignedUrls, type SignedUrls } from '../local/signed-urls.ts';
import { MemoryBackend } from '../memory/backend.ts';
import type { MemoryBackendOptions } from '../memory/options.ts';

// Each class breaks the memory backend in one way, to prove that the law book notices.

export class IgnoresCreate extends MemoryBackend {
  override put(key: ObjectKey, body: ByteStream, options: PutOptions): Promise<ObjectInfo> {
    return super.put(key, body, { ...options, mode: 'replace' });
  }
}

/** Looks before it stores, as if nobody else could come between. */
export class ChecksThenCreates extends MemoryBackend {
  override async put(key: ObjectKey, body: ByteStream, options: PutOptions): Promise<ObjectInfo> {
    const taken = await this.head(key, {}).then(
      () => true,
      () => false,
    );
    if (options.mode === 'create' && taken) throw new StowageError('object_exists', 'The key is taken.');
    return super.put(key, body, { ...options, mode: 'replace' });
  }
}

export class StoresPartOnFailure extends MemoryBackend {
  override async put(key: ObjectKey, body: ByteStream, options: PutOptions): Promise<ObjectInfo> {
    const chunks: Uint8Array[] = [];
    async function* seen(): ByteStream & AsyncGenerator<Uint8Array> {
      for await (const chunk of body) {
        chunks.push(chunk);
        yield chunk;
      }
    }
    try {
      return await super.put(key, seen(), options);
    } catch (error) {
      const failedInBody = !isStowageError(error) && typeof options.metadata !== 'function';
      if (failedInBody)
        await super.put(key, streamOf(Buffer.concat(chunks)), { ...options, mode: 'replace' });
      throw error;
    }
  }
}

export class TranslatesTheBodysError extends MemoryBackend {
  override put(key: ObjectKey, body: ByteStream, options: PutOptions): Promise<ObjectInfo> {
    return super.put(key, body, options).catch((error: unknown) => {
      if (isStowageError(error) || typeof options.metadata === 'function') throw error;
      throw new StowageError('storage_unavailable', 'The store broke.', { cause: error });
    });
  }
}

export class IgnoresSignalWhilePutting extends MemoryBackend {
  override put(key: ObjectKey, body: ByteStream, options: PutOptions): Promise<ObjectInfo> {
    if (options.signal?.aborted === true) return super.put(key, body, options);
    const { signal: _signal, ...rest } = options;
    return super.put(key, body, rest);
  }
}

/** Does what it was asked to, although nobody waits for it any more. */
export class BeginsAfterTheSignal extends MemoryBackend {
  override copy(source: ObjectKey, target: ObjectKey, options: CopyOptions): Promise<ObjectInfo> {
    return super.copy(source, target, unheard(options));
  }
  override deleteMany(keys: readonly ObjectKey[], options: CallOptions): Promise<readonly DeleteFailure[]> {
    return super.deleteMany(keys, unheard(options));
  }
  override beginMultipart(key: ObjectKey, options: WriteOptions): Promise<MultipartUpload> {
    return super.beginMultipart(key, unheard(options));
  }
  override check(options: CallOptions): Promise<void> {
    return super.check(unheard(options));
  }
}

function unheard<Options extends CallOptions>({
  signal: _signal,
  ...rest
}: Options): Omit<Options, 'signal'> {
  return rest;
}

export class DropsMetadata extends MemoryBackend {
  override put(key: ObjectKey, body: ByteStream, options: PutOptions): Promise<ObjectInfo> {
    return super.put(key, body, { ...options, metadata: {} });
  }
}

export class AsksMetadataTooEarly extends MemoryBackend {
  override put(key: ObjectKey, body: ByteStream, options: PutOptions): Promise<ObjectInfo> {
    const { metadata } = options;
    return super.put(key, body, {
      ...options,
      metadata: typeof metadata === 'function' ? metadata() : metadata,
    });
  }
}

export class SaysWholeTooEarly extends MemoryBackend {
  override put(key: ObjectKey, body: ByteStream, options: PutOptions): Promise<ObjectInfo> {
    options.onWhole?.();
    return super.put(key, body, options);
  }
}

export class RangeEndsOneShort extends MemoryBackend {
  override async get(key: ObjectKey, options: GetOptions): Promise<ObjectBody> {
    const got = await super.get(key, options);
    if (got.range === null || got.range.last === got.info.sizeBytes - 1) return got;
    const bytes = await collectBytes(got.body, 64 * MIB);
    return { ...got, body: streamOf(bytes.subarray(0, -1)) };
  }
}

export class AnswersEmptyBeyondTheEnd extends MemoryBackend {
  override async get(key: ObjectKey, options: GetOptions): Promise<ObjectBody> {
    try {
      return await super.get(key, options);
    } catch (error) {
      if (!isStowageError(error, 'range_not_satisfiable')) throw error;
      return { info: await this.head(key, {}), range: null, body: streamOf(Buffer.alloc(0)) };
    }
  }
}

/** Reads the object when the body is asked for, not when it is opened. */
export class ReadsLate extends MemoryBackend {
  override async get(key: ObjectKey, options: GetOptions): Promise<ObjectBody> {
    const got = await super.get(key, options);
    const open = () => super.get(key, options);
    async function* late(): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < got.info.sizeBytes; at += MIB) {
        const bytes = await collectBytes((await open()).body, 64 * MIB);
        if (at < bytes.byteLength) yield bytes.subarray(at, at + MIB);
      }
    }
    return options.range === undefined ? { ...got, body: late() } : got;
  }
}

/** Counts entries for a cursor, so that a delete shifts the walk. */
export class ListsByOffset extends MemoryBackend {
  override async list(options: ListOptions): Promise<ListPage> {
    const { entries } = await super.list({ ...options, cursor: null, limit: Number.MAX_SAFE_INTEGER });
    const offset = Number(options.cursor ?? 0);
    const end = offset + options.limit;
    return { entries: entries.slice(offset, end), cursor: end < entries.length ? `${end}` : null };
  }
}

export class PrefixIsNoFolder extends MemoryBackend {
  override list(options: ListOptions): Promise<ListPage> {
    return super.list({ ...options, prefix: options.prefix.replace(/images\/$/, 'images') });
  }
}

export class ForgetsCase extends MemoryBackend {
  override put(key: ObjectKey, body: ByteStream, options: PutOptions): Promise<ObjectInfo> {
    return super.put(folded(key), body, options);
  }
  override get(key: ObjectKey, options: GetOptions): Promise<ObjectBody> {
    return super.get(folded(key), options);
  }
}

/** As a file system does that takes `Photo.JPG` and `photo.jpg` for one name. */
function folded(key: ObjectKey): ObjectKey {
  return parseObjectKey(key.replace('Photo.JPG', 'photo.jpg'));
}

export class DeleteOfMissingFails extends MemoryBackend {
  override async delete(key: ObjectKey, options: CallOptions): Promise<void> {
    await this.head(key, options);
    return super.delete(key, options);
  }
  override async deleteMany(
    keys: readonly ObjectKey[],
    options: CallOptions,
  ): Promise<readonly DeleteFailure[]> {
    for (const key of keys) await super.delete(key, options);
    return [];
  }
}

export class BatchDeleteStopsAtMissing extends MemoryBackend {
  override async deleteMany(
    keys: readonly ObjectKey[],
    options: CallOptions,
  ): Promise<readonly DeleteFailure[]> {
    if (options.signal?.aborted === true) return super.deleteMany(keys, options);
    for (const key of keys) {
      try {
        await this.head(key, options);
      } catch {
        return [];
      }
      await this.delete(key, options);
    }
    return [];
  }
}

export class CopyKeepsHeaders extends MemoryBackend {
  override async copy(source: ObjectKey, target: ObjectKey, options: CopyOptions): Promise<ObjectInfo> {
    const { contentType, metadata } = await this.head(source, options);
    return super.copy(source, target, { ...options, contentType, metadata });
  }
}

export class CopyIgnoresCreate extends MemoryBackend {
  override copy(source: ObjectKey, target: ObjectKey, options: CopyOptions): Promise<ObjectInfo> {
    return super.copy(source, target, { ...options, mode: 'replace' });
  }
}

/** Joins parts in the order in which they came. */
export class JoinsPartsAsTheyCame extends MemoryBackend {
  override async beginMultipart(key: ObjectKey, options: WriteOptions): Promise<MultipartUpload> {
    const upload = await super.beginMultipart(key, options);
    const complete = upload.complete.bind(upload);
    upload.complete = (parts, how) =>
      complete(
        [...parts].sort((a, b) => a.sizeBytes - b.sizeBytes),
        how,
      );
    return upload;
  }
}

export class AbortKeepsParts extends MemoryBackend {
  override async beginMultipart(key: ObjectKey, options: WriteOptions): Promise<MultipartUpload> {
    const upload = await super.beginMultipart(key, options);
    upload.abort = async () => {};
    return upload;
  }
}

export class SignsForTheMoment extends MemoryBackend {
  override signRead(key: ObjectKey, options: SignReadOptions): Promise<SignedUrl> {
    // Steps of a second away from the window's start, as if the time were not rounded down.
    const seconds = Math.floor((options.nowMs % 300_000) / 1000);
    const lifetimeSeconds = options.lifetimeSeconds + seconds;
    return super.signRead(key, { ...options, lifetimeSeconds });
  }
}

/** A memory backend whose server believes other URLs than it should. */
abstract class Misverifying extends MemoryBackend {
  override readonly serve: RequestHandler;

  constructor(options: MemoryBackendOptions) {
    const signingSecrets = ['the secret of a server that errs, 32+'];
    super({ ...options, signingSecrets });
    const right = createSignedUrls({ publicUrl: options.publicUrl ?? '', signingSecrets });
    const clock = { now: () => Date.now() };
    this.serve = serveSignedUrls({
      backend: this,
      urls: { ...right, ...this.err(right) },
      clock,
      log: silentLog,
    });
  }

  protected abstract err(right: SignedUrls): Partial<SignedUrls>;
}

export class ReadUrlWrites extends Misverifying {
  protected override err(right: SignedUrls): Partial<SignedUrls> {
    return {
      verifyWrite: (target, nowMs) => {
        if (target.includes('size=')) return right.verifyWrite(target, nowMs);
        const { key, expiresAtMs } = right.verifyRead(target, nowMs);
        const sizeBytes = 'overwritten'.length;
        return {
          key,
          expiresAtMs,
          contentType: 'text/plain',
          cacheControl: '',
          metadata: {},
          sizeBytes,
          sha256: null,
        };
      },
    };
  }
}

export class NeverExpires extends Misverifying {
  protected override err(right: SignedUrls): Partial<SignedUrls> {
    return {
      verifyRead: (target) => right.verifyRead(target, 0),
    };
  }
}

export class IgnoresTheSignedKey extends Misverifying {
  protected override err(right: SignedUrls): Partial<SignedUrls> {
    return {
      verifyRead: (target, nowMs) => {
        try {
          return right.verifyRead(target, nowMs);
        } catch (error) {
          // The laws' second object has the first one's query: verify it as that, then read the second.
          if (!target.includes('/b?')) throw error;
          const claims = right.verifyRead(target.replace('/b?', '/a?'), nowMs);
          return { ...claims, key: parseObjectKey(claims.key.replace(/a$/, 'b')) };
        }
      },
    };
  }
}

export class TakesAnySignedSize extends Misverifying {
  protected override err(right: SignedUrls): Partial<SignedUrls> {
    let seen = 0;
    return {
      verifyWrite: (target, nowMs) => {
        const claims = right.verifyWrite(target, nowMs);
        if (claims.sizeBytes !== 5 || claims.contentType !== 'text/plain') return claims;
        seen += 1;
        // The second wrong size that the law tries has four bytes.
        return seen === 2 ? { ...claims, sizeBytes: 4 } : claims;
      },
    };
  }
}

export class ServesWithoutSignature extends Misverifying {
  protected override err(right: SignedUrls): Partial<SignedUrls> {
    return {
      verifyRead: (target, nowMs) => {
        if (target.includes('?')) return right.verifyRead(target, nowMs);
        const key = parseObjectKey(decodeURIComponent(target.slice('/files/'.length)));
        return {
          key,
          expiresAtMs: nowMs,
          contentType: 'text/plain',
          contentDisposition: 'inline',
          grant: null,
        };
      },
    };
  }
}
