import { randomBytes } from 'node:crypto';
import { isStowageError, StowageError } from '../../core/errors.ts';
import type { ObjectKey } from '../../core/key.ts';
import type { ObjectInfo, ObjectMetadata, PartReceipt, WriteOptions } from '../backend.ts';
import type { AzureClient } from './client.ts';
import { encodeMetadata, infoOf, writeHeaders } from './object-info.ts';

const UPLOAD_ID = /^[A-Za-z0-9_-]{22}$/;
const PART_DIGITS = 5;

/** A fresh name for an upload: blocks of one blob are told apart by it. */
export function newUploadId(): string {
  return randomBytes(16).toString('base64url');
}

export function isUploadId(text: string): boolean {
  return UPLOAD_ID.test(text);
}

/** The name of a part's block. All names of a blob's blocks must have one length. */
export function blockId(uploadId: string, partNumber: number): string {
  return Buffer.from(uploadId + String(partNumber).padStart(PART_DIGITS, '0')).toString('base64');
}

function partNumberOf(uploadId: string, name: string): number | null {
  const text = Buffer.from(name, 'base64').toString('latin1');
  if (text.length !== uploadId.length + PART_DIGITS || !text.startsWith(uploadId)) return null;
  const digits = text.slice(uploadId.length);
  return /^\d+$/.test(digits) ? Number(digits) : null;
}

/** The blocks of a blob that belong to no version of it yet. */
export interface StagedBlocks {
  /** Those of the upload, by part number. */
  readonly parts: readonly PartReceipt[];
  /** Whether other uploads have blocks there too. */
  readonly hasOthers: boolean;
}

export async function stagedBlocks(
  client: AzureClient,
  key: ObjectKey,
  uploadId: string,
  signal: AbortSignal | undefined,
): Promise<StagedBlocks> {
  const blocks = await client
    .call({ signal }, async (abortSignal) => client.blob(key).getBlockList('uncommitted', { abortSignal }))
    .then(
      (list) => list.uncommittedBlocks ?? [],
      (error: unknown) => {
        if (isStowageError(error, 'object_not_found')) return [];
        throw error;
      },
    );
  const parts = blocks.flatMap(({ name, size }) => {
    const partNumber = partNumberOf(uploadId, name);
    return partNumber === null ? [] : [{ partNumber, sizeBytes: size, receipt: name }];
  });
  return {
    parts: parts.sort((a, b) => a.partNumber - b.partNumber),
    hasOthers: parts.length < blocks.length,
  };
}

/** What blocks become. */
export interface Commit {
  readonly key: ObjectKey;
  /** Names of the blocks, in order. */
  readonly blockIds: readonly string[];
  /** Size of them all. */
  readonly sizeBytes: number;
  readonly write: Pick<WriteOptions, 'contentType' | 'cacheControl'>;
  readonly metadata: ObjectMetadata;
  readonly mode: 'create' | 'replace';
  readonly signal: AbortSignal | undefined;
}

/** Makes blocks the object: its bytes, type and metadata appear at once. */
export async function commitBlocks(client: AzureClient, commit: Commit): Promise<ObjectInfo> {
  const { key, blockIds, sizeBytes, write, metadata, mode, signal } = commit;
  const expected = { sizeBytes, metadata, contentType: write.contentType };
  return writeRepeatably(client, { key, expected, signal }, async (abortSignal) => {
    const answer = await client.blob(key).commitBlockList([...blockIds], {
      abortSignal,
      blobHTTPHeaders: writeHeaders(write),
      metadata: encodeMetadata(metadata),
      conditions: mode === 'create' ? { ifNoneMatch: '*' } : {},
    });
    const { lastModified, etag } = answer;
    return { ...infoOf(key, sizeBytes, { lastModified, etag }), ...write, metadata };
  });
}

/**
 * Makes a conditional write that may be repeated: when a repetition finds the key taken, the first try may have stored
 * the object although its answer was lost, and then the object is ours.
 */
export async function writeRepeatably(
  client: AzureClient,
  target: {
    readonly key: ObjectKey;
    readonly expected: Pick<ObjectInfo, 'sizeBytes' | 'metadata' | 'contentType'>;
    readonly signal: AbortSignal | undefined;
  },
  write: (abortSignal: AbortSignal) => Promise<ObjectInfo>,
): Promise<ObjectInfo> {
  const { key, expected, signal } = target;
  let tries = 0;
  try {
    return await client.call({ signal, sizeBytes: expected.sizeBytes }, (abortSignal, attempt) => {
      tries = attempt;
      return write(abortSignal);
    });
  } catch (error) {
    if (tries === 0 || !isStowageError(error, 'object_exists')) throw error;
    const found = await headOf(client, key, signal);
    const isOurs =
      found.sizeBytes === expected.sizeBytes &&
      found.contentType === expected.contentType &&
      JSON.stringify(sorted(found.metadata)) === JSON.stringify(sorted(expected.metadata));
    if (isOurs) return found;
    throw error;
  }
}

export async function headOf(
  client: AzureClient,
  key: ObjectKey,
  signal: AbortSignal | undefined,
): Promise<ObjectInfo> {
  const facts = await client.call({ signal }, (abortSignal) =>
    client.blob(key).getProperties({ abortSignal }),
  );
  return infoOf(key, facts.contentLength ?? 0, facts);
}

/**
 * Gets rid of an upload's blocks. The store removes blocks that no version needs only when something is written under
 * their key: so, where there is no object and nobody else's blocks, an empty one is made and removed at once. Blocks
 * below an object stay, unreadable, until the next write or for a week.
 */
export async function discardBlocks(
  client: AzureClient,
  key: ObjectKey,
  uploadId: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { parts, hasOthers } = await stagedBlocks(client, key, uploadId, signal);
  if (parts.length === 0 || hasOthers) return;
  const blob = client.blob(key);
  let etag: string | undefined;
  try {
    const conditions = { ifNoneMatch: '*' };
    const made = await client.callOnce({ signal }, (abortSignal) =>
      blob.commitBlockList([], { abortSignal, conditions }),
    );
    etag = made.etag;
  } catch (error) {
    if (isStowageError(error, 'object_exists')) return;
    throw error;
  }
  if (etag === undefined) throw new StowageError('storage_unavailable', 'The store names no version.');
  try {
    const conditions = { ifMatch: etag };
    await client.call({ signal }, (abortSignal) => blob.delete({ abortSignal, conditions }));
  } catch (error) {
    // Gone, or another writer's by now.
    if (!isStowageError(error, 'object_not_found') && !isStowageError(error, 'object_exists')) throw error;
  }
}

// The store drops metadata without a value.
function sorted(metadata: ObjectMetadata): [string, string][] {
  const kept = Object.entries(metadata).filter(([, value]) => value !== '');
  return kept.sort(([a], [b]) => (a < b ? -1 : 1));
}
