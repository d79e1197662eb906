import { createHash, hash, randomUUID } from 'node:crypto';
import type { ByteStream } from '../../core/bytes.ts';
import { isStowageError, throwIfAborted } from '../../core/errors.ts';
import type { ObjectKey } from '../../core/key.ts';
import type { ObjectInfo, PutOptions } from '../backend.ts';
import { storeError } from '../faults.ts';
import { type BodyChunk, ChunkReader } from './chunk-reader.ts';
import { type GcsClient, parseJson, textOf } from './client.ts';
import { conditionally, patchMetadata } from './object-calls.ts';
import { CHUNK_BYTES } from './options.ts';
import {
  type GcsResource,
  infoOfResource,
  metadataOf,
  resourceOf,
  type WrittenResource,
} from './resources.ts';
import { ResumableSession } from './resumable.ts';
import { discard, newStagingId, promote, stagingKey } from './staging.ts';

/** A body on its way to one object. */
export interface ObjectPut {
  readonly client: GcsClient;
  readonly key: ObjectKey;
  readonly body: ByteStream;
  readonly options: PutOptions;
}

/**
 * Stores a body. One that ends within a chunk goes up in one request, with its MD5 and its metadata; a longer one in a
 * session that sends one chunk while the next is read.
 */
export async function putObject(put: ObjectPut): Promise<ObjectInfo> {
  throwIfAborted(put.options.signal);
  put.client.assertOpen();
  const reader = new ChunkReader(put.body, put.options.signal);
  try {
    const first = await reader.read(CHUNK_BYTES);
    const resource = first.isLast ? await putWhole(put, first) : await putInSession(put, first, reader);
    return infoOfResource(put.key, resource);
  } finally {
    reader.end();
  }
}

async function putWhole({ client, key, options }: ObjectPut, chunk: BodyChunk): Promise<GcsResource> {
  const { mode, signal } = options;
  const bytes = Buffer.concat(chunk.pieces);
  const resource: WrittenResource = {
    ...resourceOf(options, metadataOf(options)),
    md5Hash: hash('md5', bytes, 'base64'),
  };
  const boundary = randomUUID();
  // RFC 2387: the description first, then the bytes.
  const head = `--${boundary}\r\ncontent-type: application/json; charset=UTF-8\r\n\r\n${JSON.stringify(resource)}\r\n--${boundary}\r\ncontent-type: ${options.contentType}\r\n\r\n`;
  const body = [Buffer.from(head), bytes, Buffer.from(`\r\n--${boundary}--\r\n`)];
  return conditionally({ client, key, signal }, { resource, mode }, async () => {
    const answer = await client.callOnce({
      method: 'POST',
      path: client.uploadPath,
      query: {
        uploadType: 'multipart',
        name: key,
        ...(mode === 'create' ? { ifGenerationMatch: '0' } : {}),
      },
      headers: { 'content-type': `multipart/related; boundary=${boundary}` },
      body,
      signal,
    });
    return parseJson<GcsResource>(await textOf(answer, signal));
  });
}

/**
 * A session is told its metadata when it opens. Metadata that comes with the last byte is set afterwards: on a new key
 * by a second call on that very object; on a key that may be read already, the object waits elsewhere and replaces
 * the old one together with its metadata.
 */
async function putInSession(put: ObjectPut, first: BodyChunk, reader: ChunkReader): Promise<GcsResource> {
  const { client, key, options } = put;
  const { mode, signal, metadata } = options;
  if (typeof metadata !== 'function') {
    const resource = resourceOf(options, metadata);
    return (await sendAll({ client, key, resource, mode, signal }, first, reader, () => metadata)).resource;
  }
  const resource = resourceOf(options, {});
  if (mode === 'create') {
    const sent = await sendAll({ client, key, resource, mode, signal }, first, reader, metadata);
    return describeLate(put, sent);
  }
  const staged = { client, key: stagingKey(newStagingId()), signal };
  const sent = await sendAll({ ...staged, resource, mode }, first, reader, metadata);
  try {
    return await promote(staged, key, { resource: resourceOf(options, sent.metadata), mode });
  } catch (error) {
    await discard(staged);
    throw error;
  }
}

interface Sent {
  readonly resource: GcsResource;
  readonly metadata: NonNullable<WrittenResource['metadata']>;
}

/** Sends a whole body; `metadata` is asked for after the last byte and before the object is made. */
async function sendAll(
  start: Parameters<typeof ResumableSession.open>[0],
  first: BodyChunk,
  reader: ChunkReader,
  metadata: () => Sent['metadata'],
): Promise<Sent> {
  const session = await ResumableSession.open(start);
  const md5 = createHash('md5');
  try {
    let chunk = first;
    while (!chunk.isLast) {
      const ahead = reader.read(CHUNK_BYTES);
      ahead.catch(() => undefined); // told when it is waited for; a failed send comes first
      for (const piece of chunk.pieces) md5.update(piece);
      await session.send(chunk);
      chunk = await ahead;
    }
    for (const piece of chunk.pieces) md5.update(piece);
    const late = metadata();
    const digest = md5.digest('base64');
    const resource = await session.finish(chunk, digest);
    if (resource.md5Hash === undefined || resource.md5Hash === digest) return { resource, metadata: late };
    await discard(start, resource.generation);
    throw storeError('digest_mismatch', new Error('The store answered with another MD5.'));
  } catch (error) {
    const made = await session.cancel();
    // On a new key a put that failed leaves nothing. On an old one the previous object is gone: better this than none.
    if (made !== null && start.mode === 'create') await discard(start, made.generation);
    throw error;
  }
}

async function describeLate(put: ObjectPut, { resource, metadata }: Sent): Promise<GcsResource> {
  const { client, key, options } = put;
  try {
    return await patchMetadata({ client, key, signal: options.signal }, resource.generation, metadata);
  } catch (error) {
    await discard({ client, key, signal: undefined }, resource.generation);
    // Deleted or replaced under our hands: what we stored is gone, as after any failed put.
    if (isStowageError(error, 'object_not_found')) throw storeError('storage_unavailable', error);
    throw error;
  }
}
