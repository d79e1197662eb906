import type { ObjectKey } from '../../core/key.ts';
import type { ObjectInfo, ObjectMetadata, WriteOptions } from '../backend.ts';
import { storeError } from '../faults.ts';
import { type Answer, headerOf } from './client.ts';

/** An object as the JSON API describes it. */
export interface GcsResource {
  readonly name: string;
  readonly size: string;
  readonly generation: string;
  readonly updated: string;
  readonly contentType?: string;
  readonly cacheControl?: string;
  readonly metadata?: ObjectMetadata;
  /** MD5 of the bytes, base64; absent for objects made of parts. */
  readonly md5Hash?: string;
}

/** What we say about an object when it is written. */
export type WrittenResource = Pick<GcsResource, 'contentType' | 'cacheControl' | 'metadata' | 'md5Hash'>;

const METADATA_PREFIX = 'x-goog-meta-';
/** What the XML API says of a private object that has no cache control. */
const CACHE_CONTROL_OF_NONE = 'private, max-age=0';

/** The description to send with a write. */
export function resourceOf(
  options: Pick<WriteOptions, 'contentType' | 'cacheControl'>,
  metadata: ObjectMetadata,
): WrittenResource {
  const { contentType, cacheControl } = options;
  return { contentType, metadata, ...(cacheControl === '' ? {} : { cacheControl }) };
}

/** The metadata of a write whose body has been consumed. */
export function metadataOf(options: WriteOptions): ObjectMetadata {
  return typeof options.metadata === 'function' ? options.metadata() : options.metadata;
}

export function infoOfResource(key: ObjectKey, resource: GcsResource): ObjectInfo {
  return {
    key,
    sizeBytes: Number(resource.size),
    contentType: resource.contentType ?? '',
    cacheControl: resource.cacheControl ?? '',
    metadata: { ...resource.metadata },
    modifiedAtMs: wholeSeconds(resource.updated),
    version: resource.generation,
  };
}

/** What the XML API tells in the headers of a read. */
export function infoOfHeaders(key: ObjectKey, headers: Answer['headers']): ObjectInfo {
  const size = headerOf(headers, 'x-goog-stored-content-length');
  if (size === null) throw storeError('storage_unavailable', new Error('The answer tells no size.'));
  const cacheControl = headerOf(headers, 'cache-control') ?? '';
  const metadata: Record<string, string> = {};
  for (const name of Object.keys(headers)) {
    if (name.startsWith(METADATA_PREFIX))
      metadata[name.slice(METADATA_PREFIX.length)] = headerOf(headers, name) ?? '';
  }
  return {
    key,
    sizeBytes: Number(size),
    contentType: headerOf(headers, 'content-type') ?? '',
    cacheControl: cacheControl === CACHE_CONTROL_OF_NONE ? '' : cacheControl,
    metadata,
    modifiedAtMs: wholeSeconds(headerOf(headers, 'last-modified') ?? ''),
    version: headerOf(headers, 'x-goog-generation') ?? '',
  };
}

/** Headers of the XML API that describe an object about to be written. */
export function xmlHeadersOf(
  options: Pick<WriteOptions, 'contentType' | 'cacheControl'>,
  metadata: ObjectMetadata,
): Record<string, string> {
  const headers: Record<string, string> = { 'content-type': options.contentType };
  if (options.cacheControl !== '') headers['cache-control'] = options.cacheControl;
  for (const [name, value] of Object.entries(metadata)) headers[METADATA_PREFIX + name] = value;
  return headers;
}

/** A time in milliseconds, without its fraction of a second: the XML API tells none, and all answers must agree. */
export function wholeSeconds(time: string): number {
  return Math.floor(Date.parse(time) / 1000) * 1000;
}
