import type { BlobHTTPHeaders } from '@azure/storage-blob';
import type { ObjectKey } from '../../core/key.ts';
import type { ObjectInfo, ObjectMetadata, WriteOptions } from '../backend.ts';

/** What every answer about a blob tells. */
export interface BlobFacts {
  readonly contentType?: string | undefined;
  readonly cacheControl?: string | undefined;
  readonly metadata?: Record<string, string> | undefined;
  readonly lastModified?: Date | undefined;
  readonly etag?: string | undefined;
}

export function infoOf(key: ObjectKey, sizeBytes: number, facts: BlobFacts): ObjectInfo {
  return {
    key,
    sizeBytes,
    contentType: facts.contentType ?? '',
    cacheControl: facts.cacheControl ?? '',
    metadata: decodeMetadata(facts.metadata ?? {}),
    modifiedAtMs: facts.lastModified?.getTime() ?? 0,
    version: facts.etag ?? '',
  };
}

/** The headers of every write. */
export function writeHeaders({
  contentType,
  cacheControl,
}: Pick<WriteOptions, 'contentType' | 'cacheControl'>): BlobHTTPHeaders {
  return cacheControl === ''
    ? { blobContentType: contentType }
    : { blobContentType: contentType, blobCacheControl: cacheControl };
}

/** The metadata of a write whose body has been consumed. */
export function metadataOf(options: WriteOptions): ObjectMetadata {
  return typeof options.metadata === 'function' ? options.metadata() : options.metadata;
}

// The store's names are C# identifiers, ours may start with a digit: `_n` before it makes it one. Names that look
// encoded already get another `_n`, so that every name comes back as it was.
const NEEDS_MARK = /^(?:_n)*\d/;
const HAS_MARK = /^(?:_n)+\d/;

/** Metadata under names that the store takes. */
export function encodeMetadata(metadata: ObjectMetadata): Record<string, string> {
  return renamed(metadata, (name) => (NEEDS_MARK.test(name) ? `_n${name}` : name));
}

/** Metadata under the names it was given. */
export function decodeMetadata(metadata: Readonly<Record<string, string>>): ObjectMetadata {
  return renamed(metadata, (name) => (HAS_MARK.test(name) ? name.slice(2) : name));
}

function renamed(
  metadata: Readonly<Record<string, string>>,
  rename: (name: string) => string,
): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata).map(([name, value]) => [rename(name), value]));
}
