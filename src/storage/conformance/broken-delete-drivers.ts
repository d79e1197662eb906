import { type ByteStream, streamOf } from '../../core/bytes.ts';
import { StowageError } from '../../core/errors.ts';
import { type ObjectKey, parseKeyPrefix } from '../../core/key.ts';
import type {
  CallOptions,
  CopyOptions,
  DeleteFailure,
  GetOptions,
  ObjectBody,
  ObjectInfo,
  PutOptions,
} from '../backend.ts';
import { MemoryBackend } from '../memory/backend.ts';

// Each class breaks the memory backend in one way, to prove that the law book notices.

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
    await this.check(options);
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

export class EmptyBatchIsMalformed extends MemoryBackend {
  override async deleteMany(
    keys: readonly ObjectKey[],
    options: CallOptions,
  ): Promise<readonly DeleteFailure[]> {
    if (keys.length === 0) throw new StowageError('malformed_request', 'The batch is empty.');
    return super.deleteMany(keys, options);
  }
}

/** Answers from what it noted at the put, whatever was deleted since. */
export class HeadAnswersFromTheCache extends MemoryBackend {
  readonly #noted = new Map<ObjectKey, ObjectInfo>();

  override async put(key: ObjectKey, body: ByteStream, options: PutOptions): Promise<ObjectInfo> {
    const info = await super.put(key, body, options);
    this.#noted.set(key, info);
    return info;
  }
  override async head(key: ObjectKey, options: CallOptions): Promise<ObjectInfo> {
    await super.check(options);
    return this.#noted.get(key) ?? super.head(key, options);
  }
}

/** Deletes as `rm -r` does. */
export class DeletesWhatIsBelow extends MemoryBackend {
  override async delete(key: ObjectKey, options: CallOptions): Promise<void> {
    await super.delete(key, options);
    const below = { prefix: parseKeyPrefix(`${key}/`), cursor: null, limit: 1000 };
    for (const entry of (await super.list(below)).entries) await super.delete(entry.key, {});
  }
}

/** Marks what is deleted, and takes the mark for an object. */
export class DeletedKeysStayTaken extends MemoryBackend {
  readonly #deleted = new Set<ObjectKey>();

  override async put(key: ObjectKey, body: ByteStream, options: PutOptions): Promise<ObjectInfo> {
    const taken = options.mode === 'create' && this.#deleted.has(key);
    if (taken) throw new StowageError('object_exists', 'The key is taken.');
    return super.put(key, body, options);
  }
  override async delete(key: ObjectKey, options: CallOptions): Promise<void> {
    const there = await this.head(key, options).catch(() => null);
    await super.delete(key, options);
    if (there !== null) this.#deleted.add(key);
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

export class CopyIsALink extends MemoryBackend {
  readonly #sources = new Map<ObjectKey, ObjectKey>();

  override async copy(source: ObjectKey, target: ObjectKey, options: CopyOptions): Promise<ObjectInfo> {
    const info = await super.copy(source, target, options);
    this.#sources.set(target, source);
    return info;
  }
  override get(key: ObjectKey, options: GetOptions): Promise<ObjectBody> {
    return super.get(this.#sources.get(key) ?? key, options);
  }
}

/** Claims the target before it looks at the source. */
export class CopyMakesTheTargetFirst extends MemoryBackend {
  override async copy(source: ObjectKey, target: ObjectKey, options: CopyOptions): Promise<ObjectInfo> {
    if (options.mode === 'create') await super.put(target, streamOf(Buffer.alloc(0)), options);
    return super.copy(source, target, { ...options, mode: 'replace' });
  }
}
