import { type ByteStream, collectBytes, MIB, streamOf } from '../../core/bytes.ts';
import { isStowageError, StowageError } from '../../core/errors.ts';
import { type ObjectKey, parseObjectKey } from '../../core/key.ts';
import type { GetOptions, ListOptions, ListPage, ObjectBody, ObjectInfo, PutOptions } from '../backend.ts';
import { MemoryBackend } from '../memory/backend.ts';
import { unheardOnTheWay } from './broken-drivers.ts';

// Each class breaks the memory backend in one way, to prove that the law book notices.

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

export class RefusesRangesBeyondTheEnd extends MemoryBackend {
  override async get(key: ObjectKey, options: GetOptions): Promise<ObjectBody> {
    const { sizeBytes } = await this.head(key, options);
    if ((options.range?.last ?? 0) < Math.max(sizeBytes, 1)) return super.get(key, options);
    throw new StowageError('range_not_satisfiable', 'The range reaches beyond the end.');
  }
}

/** Takes what is missing for something empty. */
export class NoRangeOfTheMissing extends MemoryBackend {
  override async get(key: ObjectKey, options: GetOptions): Promise<ObjectBody> {
    try {
      return await super.get(key, options);
    } catch (error) {
      if (options.range === undefined || !isStowageError(error, 'object_not_found')) throw error;
      throw new StowageError('range_not_satisfiable', 'The object has 0 bytes.');
    }
  }
}

export class AnswersRangeOfNothing extends MemoryBackend {
  override async get(key: ObjectKey, options: GetOptions): Promise<ObjectBody> {
    const got = await super.get(key, options);
    return { ...got, range: got.range ?? { first: 0, last: got.info.sizeBytes - 1 } };
  }
}

export class GetForgetsCacheControl extends MemoryBackend {
  override async get(key: ObjectKey, options: GetOptions): Promise<ObjectBody> {
    const got = await super.get(key, options);
    return { ...got, info: { ...got.info, cacheControl: '' } };
  }
}

export class BodiesCannotBeLeft extends MemoryBackend {
  override async get(key: ObjectKey, options: GetOptions): Promise<ObjectBody> {
    const got = await super.get(key, options);
    const open = () => {
      const source = got.body[Symbol.asyncIterator]();
      const left = new StowageError('storage_unavailable', 'The answer was not read to its end.');
      return { next: () => source.next(), return: () => Promise.reject(left) };
    };
    return { ...got, body: { [Symbol.asyncIterator]: open } };
  }
}

export class IgnoresSignalWhileReading extends MemoryBackend {
  override get(key: ObjectKey, options: GetOptions): Promise<ObjectBody> {
    return super.get(key, unheardOnTheWay(options));
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

export class ListsTheFirstPageOnly extends MemoryBackend {
  override async list(options: ListOptions): Promise<ListPage> {
    return { ...(await super.list(options)), cursor: null };
  }
}

export class ListsTimesInSeconds extends MemoryBackend {
  override async list(options: ListOptions): Promise<ListPage> {
    const { entries, cursor } = await super.list(options);
    const inSeconds = entries.map((entry) => ({ ...entry, modifiedAtMs: entry.modifiedAtMs / 1000 }));
    return { entries: inSeconds, cursor };
  }
}

/** As a file system does that cannot read a folder which is not there. */
export class NoFolderIsAnError extends MemoryBackend {
  override async list(options: ListOptions): Promise<ListPage> {
    const page = await super.list(options);
    const isBelowTheLaw = options.prefix.split('/').length > 3;
    if (page.entries.length > 0 || !isBelowTheLaw) return page;
    throw new StowageError('object_not_found', 'There is no such folder.');
  }
}

/** Reads the names of a listing as if they were encoded. */
export class ListsPlusAsSpace extends MemoryBackend {
  override async list(options: ListOptions): Promise<ListPage> {
    const { entries, cursor } = await super.list(options);
    const key = (text: string) => parseObjectKey(text.replaceAll('+', ' '));
    return { entries: entries.map((entry) => ({ ...entry, key: key(entry.key) })), cursor };
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
