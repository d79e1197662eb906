import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { RenderAnswer, RenderRequest, VariantSpec } from './worker.ts';

/** Longer than sharp's own limit: then the thread itself hangs. */
const ANSWER_MS_MAX = 30_000;

/** Turns pictures into smaller ones in a thread of its own, one at a time: requests are answered meanwhile. */
export class Renderer {
  #worker: Worker | undefined;

  /** @throws Error when the bytes are no picture, or one that is too large or too slow to decode. */
  async render(bytes: Uint8Array, spec: VariantSpec): Promise<Uint8Array> {
    this.#worker ??= new Worker(new URL('./worker.ts', import.meta.url));
    const worker = this.#worker;
    worker.unref();
    try {
      const answered = once(worker, 'message', { signal: AbortSignal.timeout(ANSWER_MS_MAX) });
      worker.postMessage({ bytes, spec } satisfies RenderRequest);
      const [answer] = (await answered) as [RenderAnswer];
      if ('bytes' in answer) return answer.bytes;
      throw new RenderError(answer.problem);
    } catch (error) {
      // After anything but a plain answer the thread is not to be trusted with the next picture.
      if (!(error instanceof RenderError)) await this.close();
      throw error instanceof RenderError ? error : new RenderError(String(error));
    }
  }

  async close(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }
}

/** A picture that will not become a variant, however often it is tried. */
export class RenderError extends Error {
  override readonly name = 'RenderError';
}
