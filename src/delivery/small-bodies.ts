import { createHash } from 'node:crypto';
import type { Asset } from '../catalog/catalog.ts';
import { type ByteStream, collectBytes, KIB, MIB } from '../core/bytes.ts';
import type { ByteRange } from '../storage/backend.ts';
import type { OpenedBody } from './send.ts';
import { damagedBytes } from './stored-object.ts';

/** Largest content that is remembered, in bytes. */
const BODY_BYTES_MAX = 32 * KIB;
/** Most bytes remembered, in all. */
const BYTES_MAX = 16 * MIB;

/**
 * Remembers the content of small assets: opening a file costs more than sending one. The content under a key never
 * changes, so what is remembered is true for ever; whether the asset is still there is proved by `recordRead`, for
 * every read. What is remembered has been compared with the hash in the record.
 */
export class SmallBodies {
  readonly #bodies = new Map<string, Buffer>();
  #bytes = 0;

  /** Whether content of this size is remembered at all. */
  takes(sizeBytes: number): boolean {
    return sizeBytes <= BODY_BYTES_MAX;
  }

  get(key: string): Buffer | undefined {
    const body = this.#bodies.get(key);
    if (body === undefined) return undefined;
    // Set again, it is the last to go.
    this.#bodies.delete(key);
    this.#bodies.set(key, body);
    return body;
  }

  /**
   * Reads the whole content of an asset and remembers it.
   *
   * @throws StowageError `object_corrupt` when it is not what the record says.
   */
  async fill(asset: Asset, body: ByteStream): Promise<Buffer> {
    const bytes = await collectBytes(body, BODY_BYTES_MAX);
    if (createHash('sha256').update(bytes).digest('hex') !== asset.contentHash) {
      throw damagedBytes(asset);
    }
    this.forget(asset.key);
    this.#bodies.set(asset.key, bytes);
    this.#bytes += bytes.byteLength;
    for (const [oldest] of this.#bodies) {
      if (this.#bytes <= BYTES_MAX) break;
      this.forget(oldest);
    }
    return bytes;
  }

  forget(key: string): void {
    this.#bytes -= this.#bodies.get(key)?.byteLength ?? 0;
    this.#bodies.delete(key);
  }
}

/** A part of remembered content, ready to be sent. */
export function bodyInMemory(bytes: Buffer, range: ByteRange): OpenedBody {
  return { first: bytes.subarray(range.first, range.last + 1), rest: NO_MORE, recycle: null };
}

const NO_MORE: AsyncIterator<Uint8Array> = {
  next: async () => ({ done: true, value: undefined }),
};
