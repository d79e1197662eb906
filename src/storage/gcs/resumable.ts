import { isStowageError, StowageError } from '../../core/errors.ts';
import type { ObjectKey } from '../../core/key.ts';
import { storeError } from '../faults.ts';
import { withRetries } from '../retry.ts';
import type { BodyChunk } from './chunk-reader.ts';
import { type Answer, type GcsClient, headerOf, parseJson, textOf } from './client.ts';
import { CHUNK_GRAIN_BYTES, CLEAN_UP_TIMEOUT_MS } from './options.ts';
import type { GcsResource, WrittenResource } from './resources.ts';

/** What a session is opened for. */
export interface SessionStart {
  readonly client: GcsClient;
  readonly key: ObjectKey;
  readonly resource: WrittenResource;
  readonly mode: 'create' | 'replace';
  readonly signal: AbortSignal | undefined;
}

/** What the store has of a session: some bytes from the start, or the finished object. */
type SessionState = { readonly storedBytes: number } | { readonly resource: GcsResource };

/** Bytes about to be sent: where they start in the object, and its size once it is known. */
interface Stretch {
  readonly chunk: BodyChunk;
  readonly totalBytes: number | null;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * One object on its way in chunks. After a fault the store is asked how far it got, and only what is missing is sent
 * again: bytes that left the process memory are never needed, because a chunk is let go once the store has all of it.
 *
 * @see https://cloud.google.com/storage/docs/performing-resumable-uploads
 */
export class ResumableSession {
  readonly #client: GcsClient;
  readonly #url: string;
  readonly #signal: AbortSignal | undefined;
  /** Bytes of all chunks that the store has whole. */
  #sentBytes = 0;
  /** Whether the last bytes were sent: from then on the object may be made. */
  #isFinishing = false;

  private constructor(client: GcsClient, url: string, signal: AbortSignal | undefined) {
    this.#client = client;
    this.#url = url;
    this.#signal = signal;
  }

  /** Opens a session. One that is never finished leaves nothing; the store forgets it after a week. */
  static async open({ client, key, resource, mode, signal }: SessionStart): Promise<ResumableSession> {
    const answer = await client.call({
      method: 'POST',
      path: client.uploadPath,
      query: {
        uploadType: 'resumable',
        name: key,
        ...(mode === 'create' ? { ifGenerationMatch: '0' } : {}),
      },
      headers: { 'content-type': 'application/json; charset=UTF-8' },
      body: [Buffer.from(JSON.stringify(resource))],
      signal,
    });
    await answer.body.dump();
    const url = headerOf(answer.headers, 'location');
    // The bytes go where this says: nowhere but to the store itself.
    if (url === null || !URL.canParse(url) || new URL(url).origin !== client.origin)
      throw storeError('storage_unavailable', new Error('The store opened no session of its own.'));
    return new ResumableSession(client, url, signal);
  }

  /** Sends bytes that are not the last. */
  async send(chunk: BodyChunk): Promise<void> {
    if (chunk.sizeBytes % CHUNK_GRAIN_BYTES !== 0)
      throw new RangeError('A chunk has a size no session takes.');
    const state = await this.#push({ chunk, totalBytes: null, headers: {} });
    if ('resource' in state)
      throw storeError('storage_unavailable', new Error('The store finished too early.'));
    this.#sentBytes += chunk.sizeBytes;
  }

  /**
   * Sends the last bytes, perhaps none, and has the object made.
   *
   * @param md5 of all bytes, base64; the store makes no object of others.
   */
  async finish(chunk: BodyChunk, md5: string): Promise<GcsResource> {
    const totalBytes = this.#sentBytes + chunk.sizeBytes;
    this.#isFinishing = true;
    const state = await this.#push({ chunk, totalBytes, headers: { 'x-goog-hash': `md5=${md5}` } });
    if ('resource' in state) return state.resource;
    throw storeError('storage_unavailable', new Error('The store did not finish the object.'));
  }

  /**
   * Ends a session; best effort, because the store forgets it anyway.
   *
   * @returns the object, when the store had made it before and only its answer was lost.
   */
  async cancel(): Promise<GcsResource | null> {
    const signal = AbortSignal.timeout(CLEAN_UP_TIMEOUT_MS);
    const call = { url: this.#url, headers: {}, body: null, signal };
    try {
      if (this.#isFinishing) {
        // A question without the size: with it, it would have the object made.
        const headers = { 'content-range': 'bytes */*' };
        const body = Buffer.alloc(0);
        const answer = await this.#client.callBare({ ...call, method: 'PUT', headers, body });
        const state = await readState(answer, signal);
        if ('resource' in state) return state.resource;
      }
      // Answered with 499, a failure by its number.
      const answer = await this.#client.callBare({ ...call, method: 'DELETE' });
      await answer.body.dump();
    } catch {
      return null;
    }
    return null;
  }

  /** Sends a stretch until the store has all of it; each fault is followed by a question how far it got. */
  async #push(stretch: Stretch): Promise<SessionState> {
    const bytes = Buffer.concat(stretch.chunk.pieces);
    const endBytes = this.#sentBytes + bytes.byteLength;
    return withRetries(
      async (attempt) => {
        let storedBytes = this.#sentBytes;
        if (attempt > 0) {
          const state = await this.#put(stretch, storedBytes, null);
          if ('resource' in state || (state.storedBytes === endBytes && stretch.totalBytes === null))
            return state;
          storedBytes = this.#resumePoint(state.storedBytes, endBytes);
        }
        for (;;) {
          const state = await this.#put(stretch, storedBytes, bytes.subarray(storedBytes - this.#sentBytes));
          if ('resource' in state || (state.storedBytes === endBytes && stretch.totalBytes === null))
            return state;
          const nextBytes = this.#resumePoint(state.storedBytes, endBytes);
          if (nextBytes <= storedBytes)
            throw storeError('storage_unavailable', new Error('The store took no bytes.'));
          storedBytes = nextBytes;
        }
      },
      { signal: this.#signal, log: this.#client.log },
    );
  }

  /** One request of the session: bytes from an offset, or with null the question how far the store got. */
  async #put(stretch: Stretch, firstByte: number, bytes: Buffer | null): Promise<SessionState> {
    const total = stretch.totalBytes ?? '*';
    const isEmpty = bytes === null || bytes.byteLength === 0;
    const range = isEmpty ? '*' : `${firstByte}-${firstByte + bytes.byteLength - 1}`;
    const headers = { ...stretch.headers, 'content-range': `bytes ${range}/${total}` };
    try {
      const answer = await this.#client.callBare({
        method: 'PUT',
        url: this.#url,
        headers,
        body: isEmpty ? Buffer.alloc(0) : bytes,
        signal: this.#signal,
      });
      return await readState(answer, this.#signal);
    } catch (error) {
      // The session is gone, not the object: the bytes sent before are lost, and only the caller has them.
      if (isStowageError(error, 'object_not_found')) throw storeError('storage_unavailable', error);
      throw error;
    }
  }

  #resumePoint(storedBytes: number, endBytes: number): number {
    if (storedBytes >= this.#sentBytes && storedBytes <= endBytes) return storedBytes;
    throw new StowageError('internal_error', 'The store lost bytes that it had confirmed.');
  }
}

async function readState(answer: Answer, signal: AbortSignal | undefined): Promise<SessionState> {
  const text = await textOf(answer, signal);
  if (answer.statusCode < 300) return { resource: parseJson<GcsResource>(text) };
  if (answer.statusCode !== 308)
    throw storeError('storage_unavailable', new Error(`Status ${answer.statusCode}.`));
  const last = /^bytes=0-(\d+)$/.exec(headerOf(answer.headers, 'range') ?? '')?.[1];
  return { storedBytes: last === undefined ? 0 : Number(last) + 1 };
}
