import type { AssetType } from '../core/asset-type.ts';
import type { ByteStream } from '../core/bytes.ts';
import { isStowageError } from '../core/errors.ts';
import type { ChunkSource } from './chunk-source.ts';
import { ContentHash } from './content-hash.ts';
import type { Inspector, InspectorFactory, JudgedName, UploadClaim, Verdict } from './gate.ts';
import { HiddenArchiveGuard } from './hidden-archive.ts';
import { HiddenScriptGuard } from './hidden-script.ts';
import { parseDeclaredType } from './media-type.ts';
import { refuse } from './refusal.ts';
import { judgeCountedSize, judgeFinalSize } from './size-rules.ts';

/** What is settled about a file before the rest of its bytes is read. */
export interface SettledFile {
  readonly claim: UploadClaim;
  readonly assetType: AssetType;
  readonly name: JudgedName;
  readonly mediaType: string;
  readonly openInspector: InspectorFactory;
}

/** Watches for one thing that no format may hide. */
interface Guard {
  push(chunk: Uint8Array): void;
  finish(): void;
}

function openGuards(mediaType: string): Guard[] {
  if (mediaType.startsWith('image/')) return [new HiddenScriptGuard(), new HiddenArchiveGuard()];
  // Its inspectors refuse every NUL, also in UTF-16 (`text/xml`), and an archive's end record has four in a row.
  if (mediaType.startsWith('text/')) return [];
  // ZIP archives and the office documents made of them are archives openly.
  return /zip$|openxmlformats/.test(mediaType) ? [] : [new HiddenArchiveGuard()];
}

type Step = IteratorResult<Uint8Array, undefined>;

const DONE: Step = { done: true, value: undefined };

/** Most chunks that are kept: a chunk of few bytes costs far more memory than these. Enough for 256 KiB in packets. */
const KEPT_CHUNKS_MAX = 256;

/**
 * The bytes of a file, passed on unchanged chunk by chunk after each was counted, inspected and hashed. An own
 * iterator instead of a generator: a consumer that never begins still closes the source by `return`.
 */
export class JudgedBody implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #source: ChunkSource;
  readonly #file: SettledFile;
  readonly #hash = new ContentHash();
  readonly #guards: readonly Guard[];
  readonly #keptBytesMax: number;
  /** The chunks that have passed; null as soon as they are too many to be kept. */
  #kept: Uint8Array[] | null;
  #inspector: Inspector | undefined;
  #sizeBytes = 0;
  #isOver = false;
  #verdict: Verdict | undefined;

  /** @param keptBytesMax size up to which the file can be had again; 0 keeps nothing. */
  constructor(source: ChunkSource, file: SettledFile, keptBytesMax: number) {
    this.#source = source;
    this.#file = file;
    this.#guards = openGuards(file.mediaType);
    this.#keptBytesMax = keptBytesMax;
    this.#kept = (file.claim.sizeBytes ?? 1) <= keptBytesMax ? [] : null;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Every wait may end behind `return`: then nothing more is judged or passed on. */
  async next(): Promise<Step> {
    if (this.#isOver) return DONE;
    try {
      const chunk = await this.#source.next();
      if (this.#isOver) return DONE;
      if (chunk !== undefined) {
        const waiting = this.#judge(chunk);
        if (waiting) await waiting;
        if (this.#isOver) return DONE;
        if (this.#kept !== null) this.#keep(this.#kept, chunk);
        return { done: false, value: chunk };
      }
      await this.#judgeEnd();
    } catch (error) {
      if (this.#isOver) return DONE;
      await this.#close();
      throw this.#explained(error);
    }
    await this.#close();
    return DONE;
  }

  async return(): Promise<Step> {
    await this.#close();
    return DONE;
  }

  verdict(): Verdict {
    if (this.#verdict === undefined)
      throw new Error('The verdict is known after the body was read to its end.');
    return this.#verdict;
  }

  again(): ByteStream | null {
    return this.#verdict === undefined || this.#kept === null ? null : chunksOf(this.#kept);
  }

  /** A reference and no copy: nobody may change a chunk. */
  #keep(kept: Uint8Array[], chunk: Uint8Array): void {
    if (this.#sizeBytes > this.#keptBytesMax || kept.length === KEPT_CHUNKS_MAX) this.#kept = null;
    else kept.push(chunk);
  }

  /** Without a promise unless the inspector or the hash has to wait: it is called for every chunk. */
  #judge(chunk: Uint8Array): void | Promise<void> {
    const { claim, assetType, name, mediaType, openInspector } = this.#file;
    this.#sizeBytes += chunk.byteLength;
    judgeCountedSize(this.#sizeBytes, claim, assetType);
    this.#inspector ??= openInspector({ mediaType, extension: name.extension, assetType });
    const waiting = this.#inspector.push(chunk);
    return waiting ? waiting.then(() => this.#guardAndHash(chunk)) : this.#guardAndHash(chunk);
  }

  #guardAndHash(chunk: Uint8Array): void | Promise<void> {
    for (const guard of this.#guards) guard.push(chunk);
    return this.#hash.update(chunk);
  }

  async #judgeEnd(): Promise<void> {
    const { claim, name, mediaType } = this.#file;
    judgeFinalSize(this.#sizeBytes, claim);
    const waiting = this.#inspector?.finish();
    if (waiting) await waiting;
    for (const guard of this.#guards) guard.finish();
    const sha256 = await this.#hash.digest();
    if (this.#isOver) return;
    if (claim.sha256 !== null && !sha256.equals(claim.sha256)) {
      throw refuse(
        'digest.differs',
        'digest_mismatch',
        'The file does not have the SHA-256 that was announced.',
      );
    }
    this.#verdict = { filename: name.filename, mediaType, sizeBytes: this.#sizeBytes, sha256 };
  }

  /** A mismatch found deep in the file tells the same facts as one found at its beginning. */
  #explained(error: unknown): unknown {
    if (!isStowageError(error, 'file_type_mismatch')) return error;
    const declared = parseDeclaredType(this.#file.claim.mediaType);
    return error.with({
      extension: this.#file.name.extension,
      ...(declared && { declared }),
      ...error.fields,
    });
  }

  async #close(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#inspector?.close();
    this.#hash.close();
    await this.#source.close();
  }
}

async function* chunksOf(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}
