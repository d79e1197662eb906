/** Pieces from this size on are kept as they are: a copy of them would cost more than what it saves. */
const KEPT_BYTES_MIN = 1024;
/** Size to which small pieces are joined. */
const JOINED_BYTES_MAX = 16 * 1024;
const JOINED_BYTES_MIN = 256;

/**
 * Bytes that wait, in order. A piece costs memory beyond its bytes, and whoever sends a body may cut it into single bytes;
 * so small ones that follow each other are joined. What waits takes a few times its bytes at most, however it was cut.
 */
export class BytePieces {
  #pieces: Buffer[] = [];
  #first = 0;
  /** Memory of the last piece, when it is one of joined bytes: there the next may find room. */
  #room: Buffer | null = null;
  #sizeBytes = 0;

  /** The pieces as they are now; they stay. */
  [Symbol.iterator](): IterableIterator<Buffer> {
    return this.#pieces.slice(this.#first).values();
  }

  /** How many pieces there are. */
  get count(): number {
    return this.#pieces.length - this.#first;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** @param piece must not change any more. */
  push(piece: Buffer): void {
    this.#sizeBytes += piece.length;
    const last = this.count > 0 ? this.#pieces.at(-1) : undefined;
    if (last === undefined || piece.length >= KEPT_BYTES_MIN || !this.#join(last, piece)) {
      this.#room = null;
      this.#pieces.push(piece);
    }
  }

  /** Takes the first piece away; undefined when there is none. */
  shift(): Buffer | undefined {
    const piece = this.#pieces[this.#first];
    if (piece === undefined) return undefined;
    this.#first += 1;
    this.#sizeBytes -= piece.length;
    if (this.#first === this.#pieces.length) this.#clear();
    return piece;
  }

  /** Takes all pieces away. */
  takeAll(): Buffer[] {
    const pieces = [...this];
    this.#clear();
    return pieces;
  }

  /** Puts a small piece behind the last one, in memory of their own; false when the last one is full, or large. */
  #join(last: Buffer, piece: Buffer): boolean {
    const usedBytes = last.length;
    const neededBytes = usedBytes + piece.length;
    if (this.#room === null && usedBytes >= KEPT_BYTES_MIN) return false;
    if (neededBytes > JOINED_BYTES_MAX) return false;
    if (this.#room === null || neededBytes > this.#room.length) {
      const grown = Buffer.allocUnsafeSlow(
        Math.min(JOINED_BYTES_MAX, Math.max(JOINED_BYTES_MIN, 2 * neededBytes)),
      );
      last.copy(grown);
      this.#room = grown;
    }
    piece.copy(this.#room, usedBytes);
    this.#pieces[this.#pieces.length - 1] = this.#room.subarray(0, neededBytes);
    return true;
  }

  #clear(): void {
    this.#pieces = [];
    this.#first = 0;
    this.#room = null;
    this.#sizeBytes = 0;
  }
}
