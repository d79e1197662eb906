import { refuse } from './refusal.ts';

/**
 * Server and browser scripts anywhere in a file, pixels included: some interpreters run whatever lies between, and none of
 * them looks at the case of letters. So few bytes may not be a coincidence, and these are too many to be one: about
 * one in four hundred thousand images of 20 MB.
 */
const SCRIPT = /<(?:\?php[ \t\r\n]|script[\s/>])/i;
const OVERLAP_BYTES = 16;

/** Refuses an image that holds a script, wherever it lies. */
export class HiddenScriptGuard {
  #tail = '';
  #isFound = false;

  push(chunk: Uint8Array): void {
    if (this.#isFound) return;
    const text = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString('latin1');
    const head = text.slice(0, OVERLAP_BYTES);
    this.#isFound = SCRIPT.test(text) || (this.#tail !== '' && SCRIPT.test(this.#tail + head));
    this.#tail =
      text.length >= OVERLAP_BYTES ? text.slice(-OVERLAP_BYTES) : (this.#tail + text).slice(-OVERLAP_BYTES);
  }

  /**
   * Told at the end, so that the format's own rules speak first and the answer never depends on chunks.
   *
   * @throws StowageError `suspicious_content`.
   */
  finish(): void {
    if (!this.#isFound) return;
    throw refuse(
      'content.hidden_script',
      'suspicious_content',
      'The file hides a script in the data of the image.',
    );
  }
}
