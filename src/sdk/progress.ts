import { tell } from './tell.ts';

/** How far an upload is. */
export interface UploadProgress {
  /** Bytes of the file that have left. Falls back when a part has to be sent again. */
  readonly sentBytes: number;
  /** Size of the file. */
  readonly totalBytes: number;
  /** `completing`: all bytes are there, and the service judges them. */
  readonly phase: 'sending' | 'completing' | 'done';
}

/** Adds up what the parts of a file have sent. */
export class ProgressMeter {
  readonly #totalBytes: number;
  readonly #onProgress: ((progress: UploadProgress) => void) | undefined;
  readonly #sentBytes = new Map<number, number>();
  #phase: UploadProgress['phase'] = 'sending';

  constructor(totalBytes: number, onProgress: ((progress: UploadProgress) => void) | undefined) {
    this.#totalBytes = totalBytes;
    this.#onProgress = onProgress;
  }

  /** @param sentBytes what has left of this part, all tries before forgotten. */
  partSent(partNumber: number, sentBytes: number): void {
    if (this.#sentBytes.get(partNumber) === sentBytes) return;
    this.#sentBytes.set(partNumber, sentBytes);
    this.#tell('sending');
  }

  /** Told once: a request may report its end twice. */
  phase(phase: 'completing' | 'done'): void {
    if (this.#phase !== phase) this.#tell(phase);
  }

  #tell(phase: UploadProgress['phase']): void {
    this.#phase = phase;
    let sum = 0;
    for (const bytes of this.#sentBytes.values()) sum += bytes;
    const sentBytes = phase === 'sending' ? Math.min(sum, this.#totalBytes) : this.#totalBytes;
    tell(this.#onProgress, { sentBytes, totalBytes: this.#totalBytes, phase });
  }
}
