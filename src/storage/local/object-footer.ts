import { crc32 } from 'node:zlib';
import { StowageError } from '../../core/errors.ts';
import type { ObjectKey } from '../../core/key.ts';
import type { ObjectInfo, ObjectMetadata } from '../backend.ts';

/** What stands behind an object's bytes in its file, as JSON. Unknown fields are ignored, but for `encryption`. */
export interface ObjectFooter extends ObjectInfo {
  /** How the bytes are encrypted; null: they are not. Reserved: any other value is refused. */
  readonly encryption: null;
}

/** Last bytes of every object file: footer length (u32 LE), CRC-32 of the footer (u32 LE), magic (8 bytes). */
export const TAIL_BYTES = 16;

/** Longest footer that is believed, in bytes: 1 KiB of key, 2 KiB of metadata and headers fit many times over. */
export const FOOTER_BYTES_MAX = 64 * 1024;

const MAGIC = Buffer.from('STOWOBJ1', 'latin1');

/** Footer and tail, to be written behind the object's bytes. */
export function encodeFooter(info: ObjectInfo): Buffer {
  const footer: ObjectFooter = { ...info, encryption: null };
  const json = Buffer.from(JSON.stringify(footer));
  const tail = Buffer.allocUnsafe(TAIL_BYTES);
  tail.writeUInt32LE(json.byteLength, 0);
  tail.writeUInt32LE(crc32(json), 4);
  MAGIC.copy(tail, 8);
  return Buffer.concat([json, tail]);
}

/**
 * Length of footer and tail together, read from the tail.
 *
 * @param end the last bytes of the file, at least {@link TAIL_BYTES} of them in a whole file.
 * @throws StowageError `object_corrupt`.
 */
export function footerAndTailBytes(end: Buffer): number {
  const tailAt = end.byteLength - TAIL_BYTES;
  if (tailAt < 0 || !end.subarray(tailAt + 8).equals(MAGIC)) throw corrupt('has no end mark');
  const footerBytes = end.readUInt32LE(tailAt);
  if (footerBytes > FOOTER_BYTES_MAX) throw corrupt('has a bad end mark');
  return footerBytes + TAIL_BYTES;
}

/**
 * Reads the footer from the end of a file.
 *
 * @param end the last bytes of the file, among them the whole footer.
 * @param fileBytes size of the file.
 * @throws StowageError `object_corrupt`; `capability_missing` when the object is encrypted.
 */
export function decodeFooter(end: Buffer, fileBytes: number): ObjectInfo {
  const length = footerAndTailBytes(end);
  if (length > end.byteLength) throw corrupt('is shorter than its footer');
  const json = end.subarray(end.byteLength - length, end.byteLength - TAIL_BYTES);
  if (crc32(json) !== end.readUInt32LE(end.byteLength - TAIL_BYTES + 4))
    throw corrupt('has a damaged footer');
  const footer = parseFooter(json.toString('utf8'));
  if (footer.sizeBytes !== fileBytes - length) throw corrupt('has another size than its footer says');
  return footer;
}

function parseFooter(json: string): ObjectInfo {
  let footer: unknown;
  try {
    footer = JSON.parse(json);
  } catch (error) {
    throw corrupt('has a footer that is no JSON', error);
  }
  if (typeof footer !== 'object' || footer === null) throw corrupt('has an empty footer');
  const fields = footer as Readonly<Record<string, unknown>>;
  if (fields.encryption !== null) {
    throw new StowageError(
      'capability_missing',
      'The object is encrypted in a way that this version cannot read.',
    );
  }
  return {
    key: text(fields, 'key') as ObjectKey,
    sizeBytes: number(fields, 'sizeBytes'),
    contentType: text(fields, 'contentType'),
    cacheControl: text(fields, 'cacheControl'),
    metadata: metadata(fields.metadata),
    modifiedAtMs: number(fields, 'modifiedAtMs'),
    version: text(fields, 'version'),
  };
}

function text(fields: Readonly<Record<string, unknown>>, name: string): string {
  const value = fields[name];
  if (typeof value !== 'string') throw corrupt(`has a footer without ${name}`);
  return value;
}

function number(fields: Readonly<Record<string, unknown>>, name: string): number {
  const value = fields[name];
  if (typeof value !== 'number') throw corrupt(`has a footer without ${name}`);
  return value;
}

function metadata(value: unknown): ObjectMetadata {
  if (typeof value !== 'object' || value === null) throw corrupt('has a footer without metadata');
  if (!Object.values(value).every((item) => typeof item === 'string')) throw corrupt('has bad metadata');
  return value as ObjectMetadata;
}

/** The failure of a file that is not what we wrote. */
export function corrupt(problem: string, cause?: unknown): StowageError {
  return new StowageError('object_corrupt', `The stored object ${problem}.`, { cause });
}
