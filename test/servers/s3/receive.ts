import { createHash, type Hash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { crc32 } from 'node:zlib';
import { type Exchange, header, refusals } from './answers.ts';
import type { Piece } from './store.ts';

/** Bytes that have arrived, on disk, and what they hash to. */
export interface Received {
  readonly pieces: readonly Piece[];
  readonly sizeBytes: number;
  readonly md5: Buffer;
  readonly sha256: Buffer;
  readonly crc32: Buffer;
}

/** A single request's body may be this long, in bytes. */
const BODY_BYTES_MAX = 5 * 1024 ** 3;
/** A body may be silent for so long, in milliseconds; AWS waits 20 seconds. */
const SILENCE_MS_MAX = 5_000;
/** XML that clients send may be this long, in bytes. */
const XML_BYTES_MAX = 2 * 1024 ** 2;

/**
 * Takes the body of a request to disk and checks it against everything that its headers say about it.
 *
 * @param payloadHash SHA-256 that was signed, hex; null when none was.
 */
export async function receiveBody(
  exchange: Exchange,
  directory: string,
  payloadHash: string | null,
): Promise<Received> {
  const length = header(exchange, 'content-length');
  if (length === undefined) throw refusals.lengthMissing();
  if (Number(length) > BODY_BYTES_MAX) throw refusals.tooLarge();
  const file = path.join(directory, randomUUID());
  const hashes = startHashes();
  const silent = new AbortController();
  const timer = setTimeout(() => silent.abort(), SILENCE_MS_MAX);
  try {
    await pipeline(
      exchange.request,
      async function* (chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) {
          timer.refresh();
          hashes.update(chunk);
          yield chunk;
        }
      },
      createWriteStream(file),
      { signal: silent.signal },
    );
  } catch {
    throw silent.signal.aborted ? refusals.silent() : refusals.incomplete();
  } finally {
    clearTimeout(timer);
  }
  const received = hashes.end(file, 0);
  if (received.sizeBytes !== Number(length)) throw refusals.incomplete();
  if (payloadHash !== null && received.sha256.toString('hex') !== payloadHash) throw refusals.otherPayload();
  checkDigests((name) => header(exchange, name), received);
  return received;
}

/** The stretch of a file from `first` on, hashed. */
export async function hashStretch(file: string, first: number, sizeBytes: number): Promise<Received> {
  const hashes = startHashes();
  if (sizeBytes > 0) {
    const chunks = createReadStream(file, { start: first, end: first + sizeBytes - 1 });
    for await (const chunk of chunks as AsyncIterable<Buffer>) hashes.update(chunk);
  }
  return hashes.end(file, first);
}

/** Compares the digests that were announced with those of what arrived. */
export function checkDigests(
  announced: (name: string) => string | undefined,
  received: Pick<Received, 'md5' | 'sha256' | 'crc32'>,
): void {
  const known = { 'content-md5': 'md5', 'x-amz-checksum-sha256': 'sha256', 'x-amz-checksum-crc32': 'crc32' };
  for (const [name, digest] of Object.entries(known) as [string, 'md5' | 'sha256' | 'crc32'][]) {
    const text = announced(name);
    if (text === undefined) continue;
    if (Buffer.from(text, 'base64').toString('base64') !== text)
      throw refusals.invalid(`${name} is no base64.`);
    if (text !== received[digest].toString('base64')) throw refusals.badDigest(name);
  }
}

/** A short body as text, checked like any other. */
export async function receiveText(exchange: Exchange, payloadHash: string | null): Promise<string> {
  const chunks: Buffer[] = [];
  let seenBytes = 0;
  for await (const chunk of exchange.request as AsyncIterable<Buffer>) {
    seenBytes += chunk.byteLength;
    if (seenBytes > XML_BYTES_MAX) throw refusals.malformedXml();
    chunks.push(chunk);
  }
  const hashes = startHashes();
  for (const chunk of chunks) hashes.update(chunk);
  const received = hashes.end('', 0);
  if (payloadHash !== null && received.sha256.toString('hex') !== payloadHash) throw refusals.otherPayload();
  checkDigests((name) => header(exchange, name), received);
  return Buffer.concat(chunks).toString('utf8');
}

function startHashes() {
  const [md5, sha256]: [Hash, Hash] = [createHash('md5'), createHash('sha256')];
  let [crc, sizeBytes] = [0, 0];
  return {
    update(chunk: Buffer): void {
      md5.update(chunk);
      sha256.update(chunk);
      crc = crc32(chunk, crc);
      sizeBytes += chunk.byteLength;
    },
    end(file: string, first: number): Received {
      const crcBytes = Buffer.alloc(4);
      crcBytes.writeUInt32BE(crc);
      return {
        pieces: [{ path: file, first, sizeBytes }],
        sizeBytes,
        md5: md5.digest(),
        sha256: sha256.digest(),
        crc32: crcBytes,
      };
    },
  };
}
