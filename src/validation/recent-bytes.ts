/** The last bytes of a stream, at least `capacityBytes` of them once so many have passed. */
export class RecentBytes {
  readonly #capacityBytes: number;
  #buffer = Buffer.alloc(0);
  #heldBytes = 0;
  #seenBytes = 0;

  constructor(capacityBytes: number) {
    this.#capacityBytes = capacityBytes;
  }

  push(chunk: Uint8Array): void {
    this.#seenBytes += chunk.byteLength;
    const bytes = chunk.byteLength > this.#capacityBytes ? chunk.subarray(-this.#capacityBytes) : chunk;
    if (bytes.byteLength === this.#capacityBytes) this.#heldBytes = 0;
    this.#makeRoom(bytes.byteLength);
    this.#buffer.set(bytes, this.#heldBytes);
    this.#heldBytes += bytes.byteLength;
  }

  /** The bytes at hand, oldest first: a view that the next push may change. */
  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#heldBytes);
  }

  /** A copy of bytes by their place in the stream; undefined when they are not, or no longer, at hand. */
  slice(start: number, byteCount: number): Buffer | undefined {
    // Counted from the capacity, not from what happens to be held, so that the answer never depends on chunks.
    const firstByte = Math.max(0, this.#seenBytes - this.#capacityBytes);
    if (start < firstByte || start + byteCount > this.#seenBytes) return undefined;
    const offset = start - (this.#seenBytes - this.#heldBytes);
    return Buffer.from(this.#buffer.subarray(offset, offset + byteCount));
  }

  /** Grows up to twice the capacity, then moves the newest half to the front: a constant cost per byte. */
  #makeRoom(byteCount: number): void {
    const neededBytes = this.#heldBytes + byteCount;
    if (neededBytes <= this.#buffer.length) return;
    const largestBytes = 2 * this.#capacityBytes;
    if (this.#buffer.length < largestBytes) {
      const grown = Buffer.allocUnsafe(
        Math.min(largestBytes, Math.max(neededBytes, 2 * this.#buffer.length)),
      );
      this.#buffer.copy(grown, 0, 0, this.#heldBytes);
      this.#buffer = grown;
    }
    if (neededBytes <= this.#buffer.length) return;
    const keptBytes = Math.min(this.#heldBytes, this.#capacityBytes - byteCount);
    this.#buffer.copyWithin(0, this.#heldBytes - keptBytes, this.#heldBytes);
    this.#heldBytes = keptBytes;
  }
}
