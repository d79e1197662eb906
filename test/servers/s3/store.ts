import { createReadStream } from 'node:fs';
import { refusals } from './answers.ts';

/** A stretch of a file on disk. Files are written once and stay until the server ends. */
export interface Piece {
  readonly path: string;
  readonly first: number;
  readonly sizeBytes: number;
}

/** What a writer says about an object, and hears again: headers by their lower-case names. */
export type Described = Readonly<Record<string, string>>;

/** One object. */
export interface StoredObject {
  readonly pieces: readonly Piece[];
  readonly sizeBytes: number;
  /** With its quotes. */
  readonly etag: string;
  readonly modifiedAtMs: number;
  readonly described: Described;
  /** Base64; of the whole object, or of its parts with their number behind a dash. */
  readonly checksumSha256: string | null;
}

export interface Part {
  readonly pieces: readonly Piece[];
  readonly sizeBytes: number;
  readonly etag: string;
  readonly modifiedAtMs: number;
}

/** An upload in parts. */
export interface Upload {
  readonly key: string;
  readonly described: Described;
  readonly parts: Map<number, Part>;
}

export interface CorsRule {
  readonly origins: readonly string[];
  readonly methods: readonly string[];
  readonly allowedHeaders: readonly string[];
  readonly exposeHeaders: readonly string[];
  readonly maxAgeSeconds: string | undefined;
}

/** A condition under which the bucket's policy refuses to store. */
export interface Denial {
  readonly operator: 'Null' | 'StringNotEquals';
  /** In lower case, for example `x-amz-server-side-encryption`. */
  readonly headerName: string;
  readonly value: string;
}

export interface BucketState {
  readonly name: string;
  /** Name of the user who made it: everyone else is refused. */
  readonly owner: string;
  readonly objects: Map<string, StoredObject>;
  readonly uploads: Map<string, Upload>;
  cors: { readonly text: string; readonly rules: readonly CorsRule[] } | null;
  policy: { readonly text: string; readonly denials: readonly Denial[] } | null;
}

export function emptyBucket(name: string, owner: string): BucketState {
  return { name, owner, objects: new Map(), uploads: new Map(), cors: null, policy: null };
}

export function findObject(bucket: BucketState, key: string): StoredObject {
  const object = bucket.objects.get(key);
  if (object === undefined) throw refusals.noKey();
  return object;
}

/** The bytes `first` to `last` of an object made of pieces. */
export async function* readPieces(
  pieces: readonly Piece[],
  first: number,
  last: number,
): AsyncGenerator<Uint8Array> {
  let at = 0;
  for (const piece of pieces) {
    const start = Math.max(first, at) - at;
    const end = Math.min(last, at + piece.sizeBytes - 1) - at;
    at += piece.sizeBytes;
    if (start > end) continue;
    yield* createReadStream(piece.path, { start: piece.first + start, end: piece.first + end });
  }
}

/** The stretch of some pieces from `first` to `last`, as pieces. */
export function cutPieces(pieces: readonly Piece[], first: number, last: number): readonly Piece[] {
  let at = 0;
  return pieces.flatMap((piece) => {
    const start = Math.max(first, at) - at;
    const end = Math.min(last, at + piece.sizeBytes - 1) - at;
    at += piece.sizeBytes;
    return start > end ? [] : [{ path: piece.path, first: piece.first + start, sizeBytes: end - start + 1 }];
  });
}

/** Keys below a prefix in the order of their UTF-8 bytes. */
export function sortedKeys(keys: Iterable<string>, prefix: string): string[] {
  return [...keys]
    .filter((key) => key.startsWith(prefix))
    .sort((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));
}

/** `bytes=2-4`, `bytes=7-`, `bytes=-3` against a size; null for none, or for one that is to be ignored. */
export function rangeOf(text: string | undefined, sizeBytes: number): { first: number; last: number } | null {
  const match = /^bytes=(\d*)-(\d*)$/.exec(text ?? '');
  if (match === null) return null;
  const [, from = '', to = ''] = match;
  if (from === '' && to === '') return null;
  if (from === '') {
    const first = Math.max(sizeBytes - Number(to), 0);
    if (Number(to) === 0 || sizeBytes === 0) throw refusals.unsatisfiable(sizeBytes);
    return { first, last: sizeBytes - 1 };
  }
  if (to !== '' && Number(to) < Number(from)) return null;
  if (Number(from) >= sizeBytes) throw refusals.unsatisfiable(sizeBytes);
  return { first: Number(from), last: to === '' ? sizeBytes - 1 : Math.min(Number(to), sizeBytes - 1) };
}
