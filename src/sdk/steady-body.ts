import type { OpenAnswer } from './download.ts';
import { StowageClientError } from './errors.ts';

/** How often one download is taken up again before it fails. A read in between that brings bytes starts the count anew. */
const REOPENED_MAX = 5;

interface BodyOptions {
  /** Where in the asset the first byte lies. */
  readonly firstByte: number;
  /** Bytes that are to come. */
  readonly sizeBytes: number;
  /** How long one read may bring nothing, in milliseconds. */
  readonly stallMs: number;
  /** Asks for the rest; null when nothing tells whether it would be of the same content. */
  readonly reopen: ((headers: Record<string, string>) => Promise<OpenAnswer>) | null;
}

/** A body that survives cut connections: it asks for what is missing. Never ends short without an error. */
export class SteadyBody {
  readonly #options: BodyOptions;
  #answer: OpenAnswer;
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #receivedBytes = 0;
  #reopened = 0;

  constructor(answer: OpenAnswer, options: BodyOptions) {
    this.#answer = answer;
    this.#reader = answer.body?.getReader();
    this.#options = options;
  }

  stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return new ReadableStream<Uint8Array<ArrayBuffer>>(
      {
        pull: async (controller) => {
          const chunk = await this.#next();
          if (chunk === null) controller.close();
          else controller.enqueue(chunk);
        },
        cancel: async (reason) => {
          await this.#reader?.cancel(reason);
        },
      },
      { highWaterMark: 0 },
    );
  }

  async #next(): Promise<Uint8Array<ArrayBuffer> | null> {
    for (;;) {
      if (this.#receivedBytes >= this.#options.sizeBytes) return null;
      const { watch } = this.#answer;
      try {
        watch.allow(this.#options.stallMs);
        const result = await this.#reader?.read();
        if (result?.value !== undefined && result.value.byteLength > 0) {
          this.#receivedBytes += result.value.byteLength;
          this.#reopened = 0;
          return new Uint8Array(result.value);
        }
        if (result === undefined || result.done) throw new Error('The body ended too early.');
      } catch (cause) {
        watch.stop();
        await this.#reopen(watch.failure(cause));
      } finally {
        watch.stop();
      }
    }
  }

  async #reopen(failure: StowageClientError): Promise<void> {
    const { reopen, firstByte, sizeBytes } = this.#options;
    if (failure.code === 'aborted' || reopen === null || this.#reopened >= REOPENED_MAX) throw failure;
    this.#reopened += 1;
    await this.#reader?.cancel().catch(() => {});
    const from = firstByte + this.#receivedBytes;
    const answer = await reopen({ range: `bytes=${from}-${firstByte + sizeBytes - 1}` });
    this.#reader = answer.body?.getReader();
    this.#answer = answer;
    if (answer.status === 206) return;
    await this.#reader?.cancel().catch(() => {});
    throw new StowageClientError('unexpected_answer', 'The content changed while it was read.');
  }
}
