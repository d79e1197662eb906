import { createHash } from 'node:crypto';
import type { ByteStream } from '../../core/bytes.ts';
import { isStowageError, StowageError } from '../../core/errors.ts';
import type { ObjectKey } from '../../core/key.ts';
import type {
  CallOptions,
  CompleteOptions,
  MultipartUpload,
  ObjectInfo,
  PartReceipt,
  PutPartOptions,
  SignedWrite,
  SignPartOptions,
  WriteOptions,
} from '../backend.ts';
import { collectPart } from '../collect-part.ts';
import { blockId, commitBlocks, discardBlocks, headOf, stagedBlocks } from './blocks.ts';
import type { AzureClient } from './client.ts';
import { metadataOf } from './object-info.ts';

export interface MultipartContext {
  readonly client: AzureClient;
  readonly key: ObjectKey;
  readonly uploadId: string;
  readonly write: WriteOptions;
}

/** An upload in parts: blocks staged under the key, made the object by one request that names them. */
export class AzureMultipart implements MultipartUpload {
  readonly uploadId: string;
  readonly #context: MultipartContext;

  constructor(context: MultipartContext) {
    this.uploadId = context.uploadId;
    this.#context = context;
  }

  async putPart(partNumber: number, body: ByteStream, options: PutPartOptions): Promise<PartReceipt> {
    const { client, key } = this.#context;
    const { sizeBytes, signal } = options;
    client.requireOpen(signal);
    const bytes = Buffer.concat(await collectPart(body, partNumber, options), sizeBytes);
    const receipt = blockId(this.uploadId, partNumber);
    const transactionalContentMD5 = createHash('md5').update(bytes).digest();
    await client.call({ signal, sizeBytes }, (abortSignal) =>
      client.blob(key).stageBlock(receipt, bytes, sizeBytes, { abortSignal, transactionalContentMD5 }),
    );
    return { partNumber, sizeBytes, receipt };
  }

  async signPart(partNumber: number, options: SignPartOptions): Promise<SignedWrite> {
    const { client, key } = this.#context;
    client.requireOpen(options.signal);
    return client.signer.signBlock(key, blockId(this.uploadId, partNumber), options);
  }

  async listParts({ signal }: CallOptions): Promise<readonly PartReceipt[]> {
    const { client, key } = this.#context;
    return (await stagedBlocks(client, key, this.uploadId, signal)).parts;
  }

  /** The store is asked first what it holds: a part that a client put straight to it may have another size. */
  async complete(parts: readonly PartReceipt[], { mode, signal }: CompleteOptions): Promise<ObjectInfo> {
    const { client, key, write } = this.#context;
    const { parts: held } = await stagedBlocks(client, key, this.uploadId, signal);
    const heldBytes = new Map(held.map(({ partNumber, sizeBytes }) => [partNumber, sizeBytes]));
    if (parts.some(({ partNumber, sizeBytes }) => heldBytes.get(partNumber) !== sizeBytes)) {
      // Another writer's object makes the store forget blocks; that is the better answer then.
      if (mode === 'create' && (await this.#isTaken(signal)))
        throw new StowageError('object_exists', 'The object exists already.');
      throw new StowageError('conflict', 'The parts do not form an object.');
    }
    return commitBlocks(client, {
      key,
      blockIds: parts.map(({ partNumber }) => blockId(this.uploadId, partNumber)),
      sizeBytes: parts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      write: { contentType: write.contentType, cacheControl: write.cacheControl },
      metadata: metadataOf(write),
      mode,
      signal,
    });
  }

  async abort({ signal }: CallOptions): Promise<void> {
    const { client, key } = this.#context;
    await discardBlocks(client, key, this.uploadId, signal);
  }

  async #isTaken(signal: AbortSignal | undefined): Promise<boolean> {
    try {
      await headOf(this.#context.client, this.#context.key, signal);
      return true;
    } catch (error) {
      if (isStowageError(error, 'object_not_found')) return false;
      throw error;
    }
  }
}
