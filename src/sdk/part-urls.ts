import type { UploadPartJson, UploadPartsJson } from '../protocol/index.ts';
import { callService } from './api.ts';
import { StowageClientError } from './errors.ts';
import type { Settings } from './options.ts';

/** Most URLs that the service gives at once. */
const ASKED_MAX = 100;
/** URLs live an hour; by then one is replaced, in milliseconds. The service's clock may differ from ours. */
const USABLE_MS = 45 * 60 * 1000;

/** The URLs of parts: those that came with the upload, and fresh ones when they run out. */
export class PartUrls {
  readonly #settings: Settings;
  readonly #uploadId: string;
  /** Parts that are not in the store, in order. */
  readonly #missing: readonly number[];
  readonly #urls = new Map<number, { readonly part: UploadPartJson; readonly untilMs: number }>();
  #asking: Promise<unknown> = Promise.resolve();

  constructor(
    settings: Settings,
    upload: {
      readonly uploadId: string;
      readonly missing: readonly number[];
      readonly parts: readonly UploadPartJson[];
    },
  ) {
    this.#settings = settings;
    this.#uploadId = upload.uploadId;
    this.#missing = upload.missing;
    this.#keep(upload.parts);
  }

  /** How to send a part. Asks the service for it, and for those after it, when there is no usable URL. */
  async take(partNumber: number, signal: AbortSignal): Promise<UploadPartJson> {
    const known = this.#usable(partNumber);
    if (known !== undefined) return known;
    // One question at a time: its answer has the URLs that the others wait for.
    const asked = this.#asking.then(() => this.#usable(partNumber) ?? this.#ask(partNumber, signal));
    this.#asking = asked.catch(() => {});
    return await asked;
  }

  /** Forgets a URL that the store refused. */
  drop(partNumber: number): void {
    this.#urls.delete(partNumber);
  }

  async #ask(partNumber: number, signal: AbortSignal): Promise<UploadPartJson> {
    const others = this.#missing.filter(
      (number) => number > partNumber && this.#usable(number) === undefined,
    );
    const { parts } = await callService<UploadPartsJson>(this.#settings, {
      method: 'POST',
      path: `${this.#settings.uploadsPath}/${encodeURIComponent(this.#uploadId)}/parts`,
      json: { part_numbers: [partNumber, ...others].slice(0, ASKED_MAX) },
      signal,
    });
    this.#keep(parts);
    const part = this.#usable(partNumber);
    if (part !== undefined) return part;
    throw new StowageClientError('unexpected_answer', `The answer has no URL for part ${partNumber}.`);
  }

  #keep(parts: readonly UploadPartJson[]): void {
    const untilMs = Date.now() + USABLE_MS;
    for (const part of parts) this.#urls.set(part.part_number, { part, untilMs });
  }

  #usable(partNumber: number): UploadPartJson | undefined {
    const known = this.#urls.get(partNumber);
    return known !== undefined && known.untilMs > Date.now() ? known.part : undefined;
  }
}
