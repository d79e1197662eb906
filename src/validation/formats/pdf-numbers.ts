import { refuse } from '../refusal.ts';

/** Largest object number; Acrobat's limit (ISO 32000-1 annex C). */
export const OBJECT_NUMBER_MAX = 8_388_607;

/** A set of object numbers, one bit each: at most 1 MiB however many there are. */
export class ObjectNumbers {
  #bits = new Uint8Array(64);

  /** @throws StowageError `suspicious_content` when the number is larger than {@link OBJECT_NUMBER_MAX}. */
  add(object: number): void {
    judgeObjectNumber(object);
    const index = object >> 3;
    if (index >= this.#bits.length) {
      const grown = new Uint8Array(Math.min(2 ** 20, Math.max(index + 1, this.#bits.length * 2)));
      grown.set(this.#bits);
      this.#bits = grown;
    }
    this.#bits[index] = (this.#bits[index] ?? 0) | (1 << (object & 7));
  }

  has(object: number): boolean {
    return ((this.#bits[object >> 3] ?? 0) & (1 << (object & 7))) !== 0;
  }

  /** Whether a number is in both sets. */
  meets(other: ObjectNumbers): boolean {
    return this.#bits.some((bits, index) => (bits & (other.#bits[index] ?? 0)) !== 0);
  }
}

/** @throws StowageError `suspicious_content` when it is no number that an object can have. */
export function judgeObjectNumber(object: number): void {
  if (Number.isInteger(object) && object >= 0 && object <= OBJECT_NUMBER_MAX) return;
  throw refuse(
    'pdf.object_number',
    'suspicious_content',
    'The PDF document uses an impossible object number.',
  );
}
