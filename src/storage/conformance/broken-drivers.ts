import { type ByteStream, MIB, streamOf } from '../../core/bytes.ts';
import { isStowageError, StowageError } from '../../core/errors.ts';
import { type ObjectKey, parseKeyPrefix } from '../../core/key.ts';
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
    return super.put(key, body, unheardOnTheWay(options));
  }
}

export class TakesAnySize extends MemoryBackend {
  override put(key: ObjectKey, body: ByteStream, options: PutOptions): Promise<ObjectInfo> {
    return super.put(key, options.sizeBytes === undefined ? body : untilItBreaks(body), options);
  }
}

/** Takes a body that breaks off for one that has ended. */
export async function* untilItBreaks(body: ByteStream): ByteStream & AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch {}
}

export class TellsTheLastChunksSize extends MemoryBackend {
  override async put(key: ObjectKey, body: ByteStream, options: PutOptions): Promise<ObjectInfo> {
    let sizeBytes = 0;
    async function* measured(): ByteStream & AsyncGenerator<Uint8Array> {
      for await (const chunk of body) {
        sizeBytes = chunk.byteLength;
        yield chunk;
      }
    }
    return { ...(await super.put(key, measured(), options)), sizeBytes };
  }
}

/** Keeps no more of a body than its buffer holds. */
export class CutsAtItsBuffer extends MemoryBackend {
  override put(key: ObjectKey, body: ByteStream, options: PutOptions): Promise<ObjectInfo> {
    async function* cut(): ByteStream & AsyncGenerator<Uint8Array> {
      let leftBytes = 16 * MIB;
      for await (const chunk of body) {
        if (leftBytes > 0) yield chunk.subarray(0, leftBytes);
        leftBytes -= chunk.byteLength;
      }
    }
    return super.put(key, cut(), options);
  }
}

/** Has 30 buffers; whoever comes then shares one with the first. */
export class RunsOutOfBuffers extends MemoryBackend {
  readonly #buffers = Array.from({ length: 30 }, (): Uint8Array[] => []);
  #puts = 0;

  override put(key: ObjectKey, body: ByteStream, options: PutOptions): Promise<ObjectInfo> {
    const buffer = this.#buffers[this.#puts++ % this.#buffers.length] ?? [];
    async function* buffered(): ByteStream & AsyncGenerator<Uint8Array> {
      try {
        for await (const chunk of body) buffer.push(chunk);
        yield Buffer.concat(buffer);
      } finally {
        buffer.length = 0;
      }
    }
    return super.put(key, buffered(), options);
  }
}

export class VersionStaysTheSame extends MemoryBackend {
  override async put(key: ObjectKey, body: ByteStream, options: PutOptions): Promise<ObjectInfo> {
    return { ...(await super.put(key, body, options)), version: '1' };
  }
  override async get(key: ObjectKey, options: GetOptions): Promise<ObjectBody> {
    const got = await super.get(key, options);
    return { ...got, info: { ...got.info, version: '1' } };
  }
  override async head(key: ObjectKey, options: CallOptions): Promise<ObjectInfo> {
    return { ...(await super.head(key, options)), version: '1' };
  }
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

/** As a store does that has an own idea of how long an object may be cached. */
export class CachesByDefault extends MemoryBackend {
  override put(key: ObjectKey, body: ByteStream, options: PutOptions): Promise<ObjectInfo> {
    return super.put(key, body, { ...options, cacheControl: options.cacheControl || 'public, max-age=3600' });
  }
}

/** Does what it was asked to, although nobody waits for it any more. */
export class BeginsAfterTheSignal extends MemoryBackend {
  override put(key: ObjectKey, body: ByteStream, options: PutOptions): Promise<ObjectInfo> {
    return super.put(key, body, unfired(options));
  }
  override get(key: ObjectKey, options: GetOptions): Promise<ObjectBody> {
    return super.get(key, unfired(options));
  }
  override delete(key: ObjectKey, options: CallOptions): Promise<void> {
    return super.delete(key, unfired(options));
  }
  override deleteMany(keys: readonly ObjectKey[], options: CallOptions): Promise<readonly DeleteFailure[]> {
    return super.deleteMany(keys, unfired(options));
  }
  override list(options: ListOptions): Promise<ListPage> {
    return super.list(unfired(options));
  }
  override copy(source: ObjectKey, target: ObjectKey, options: CopyOptions): Promise<ObjectInfo> {
    return super.copy(source, target, unfired(options));
  }
  override beginMultipart(key: ObjectKey, options: WriteOptions): Promise<MultipartUpload> {
    return super.beginMultipart(key, unfired(options));
  }
  override check(options: CallOptions): Promise<void> {
    return super.check(unfired(options));
  }
}

function unfired<Options extends CallOptions>(options: Options): Options {
  return options.signal?.aborted === true ? unheard(options) : options;
}

/** The options with a signal only if it has fired already. */
export function unheardOnTheWay<Options extends CallOptions>(options: Options): Options {
  return options.signal?.aborted === true ? options : unheard(options);
}

function unheard<Options extends CallOptions>(options: Options): Options {
  const { signal: _signal, ...rest } = options;
  return rest as Options;
}

/** Takes the end of a call that was aborted on its way for a breakdown of the store. */
export class AbortIsABreakdown extends MemoryBackend {
  override head(key: ObjectKey, options: CallOptions): Promise<ObjectInfo> {
    return brokenDown(super.head(key, options), options);
  }
  override delete(key: ObjectKey, options: CallOptions): Promise<void> {
    return brokenDown(super.delete(key, options), options);
  }
  override deleteMany(keys: readonly ObjectKey[], options: CallOptions): Promise<readonly DeleteFailure[]> {
    return brokenDown(super.deleteMany(keys, options), options);
  }
  override list(options: ListOptions): Promise<ListPage> {
    return brokenDown(super.list(options), options);
  }
  override copy(source: ObjectKey, target: ObjectKey, options: CopyOptions): Promise<ObjectInfo> {
    return brokenDown(super.copy(source, target, options), options);
  }
}

export async function brokenDown<Result>(call: Promise<Result>, options: CallOptions): Promise<Result> {
  const result = await call;
  if (options.signal?.aborted !== true) return result;
  throw new StowageError('storage_unavailable', 'The connection was cut.');
}

export class CheckNeedsAnObject extends MemoryBackend {
  override async check(options: CallOptions): Promise<void> {
    const page = await super.list({ ...options, prefix: parseKeyPrefix(''), cursor: null, limit: 1 });
    if (page.entries.length === 0) throw new StowageError('storage_unavailable', 'The bucket is empty.');
  }
}

export class SignsForAnHourAtMost extends MemoryBackend {
  constructor(options: MemoryBackendOptions) {
    super({ ...options, capabilities: { signedUrlSecondsMax: 3600 } });
  }
}

/** Needs no connection for signing, and so does not notice that there is none. */
export class SignsWhenClosed extends MemoryBackend {
  override async signRead(key: ObjectKey, options: SignReadOptions): Promise<SignedUrl> {
    return this.urls.signRead(key, options);
  }
}
