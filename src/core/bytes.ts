/**
 * Bytes on their way: consumed once, in order. Chunks are never empty, and nobody changes one that has been handed out:
 * whoever reads may hold several, until all that was asked with them is done.
 */
export type ByteStream = AsyncIterable<Uint8Array>;

/** A stream that fills the memory of its chunks again, for a consumer that says when it is done with one. */
export interface RecyclingStream extends ByteStream {
  /** To be called at most once per chunk, when nobody will look at it again. Not calling it is allowed. */
  recycle(chunk: Uint8Array): void;
}

/** Whether the stream takes its chunks back. */
export function isRecycling(body: ByteStream): body is RecyclingStream {
  return 'recycle' in body && typeof body.recycle === 'function';
}

export const KIB = 1024;
export const MIB = 1024 * KIB;
export const GIB = 1024 * MIB;
const TIB = 1024 * GIB;

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kb: KIB,
  kib: KIB,
  mb: MIB,
  mib: MIB,
  gb: GIB,
  gib: GIB,
  tb: TIB,
  tib: TIB,
};

/**
 * Reads a size such as `100mb`, `1.5 GiB` or `4096`. Units count in powers of 1,024, as `BODY_LIMIT=100mb` means.
 *
 * @returns bytes, a whole number of at least 0; undefined when the text is no size.
 */
export function parseByteSize(text: string): number | undefined {
  const match = /^(\d{1,15}(?:\.\d{1,6})?)\s*([a-z]{0,3})$/i.exec(text.trim());
  const unit = UNITS[match?.[2]?.toLowerCase() ?? '?'];
  if (match?.[1] === undefined || unit === undefined) return undefined;
  const bytes = Math.floor(Number(match[1]) * unit);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** A size for people: `10 MiB`, `1.5 GiB`, `512 bytes`. */
export function formatByteSize(bytes: number): string {
  for (const [unit, name] of [
    [GIB, 'GiB'],
    [MIB, 'MiB'],
    [KIB, 'KiB'],
  ] as const) {
    if (bytes >= unit) return `${Number((bytes / unit).toFixed(1))} ${name}`;
  }
  return bytes === 1 ? '1 byte' : `${bytes} bytes`;
}

/** A stream of one chunk, or of none when `bytes` is empty. */
export async function* streamOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.byteLength > 0) yield bytes;
}

/**
 * Collects a stream into memory, for bodies whose size is bounded by the caller's knowledge.
 *
 * @throws RangeError when the stream is longer than `bytesMax`.
 */
export async function collectBytes(body: ByteStream, bytesMax: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let seenBytes = 0;
  for await (const chunk of body) {
    seenBytes += chunk.byteLength;
    if (seenBytes > bytesMax) throw new RangeError(`The stream is longer than ${bytesMax} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
