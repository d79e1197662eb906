/** Collects bits into bytes, for the formats whose smallest valid file needs a real bit stream. */
export interface BitSink {
  /** Appends the `count` low bits of `value`. */
  put(value: number, count: number): void;
  /** The bytes so far; the last one is filled up with `fill`. */
  bytes(fill?: 0 | 1): Buffer;
}

/** Bits from the most significant end of each byte, as JPEG and AV1 have them. */
export function bigEndianBits(): BitSink {
  return bitSink((bit, index) => bit << (7 - index));
}

/** Bits from the least significant end of each byte, as GIF and WebP have them. */
export function littleEndianBits(): BitSink {
  return bitSink((bit, index) => bit << index, true);
}

function bitSink(place: (bit: number, index: number) => number, lowFirst = false): BitSink {
  const bits: number[] = [];
  return {
    put(value, count) {
      for (let index = 0; index < count; index++) {
        bits.push((value >> (lowFirst ? index : count - 1 - index)) & 1);
      }
    },
    bytes(fill = 0) {
      const padded = [...bits];
      while (padded.length % 8 !== 0) padded.push(fill);
      const bytes = Buffer.alloc(padded.length / 8);
      padded.forEach((bit, index) => {
        bytes[index >> 3] = (bytes[index >> 3] ?? 0) | place(bit, index % 8);
      });
      return bytes;
    },
  };
}

/** An unsigned 16-bit number, most significant byte first. */
export function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

/** An unsigned 32-bit number, most significant byte first. */
export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** Repeatable noise: the same seed gives the same bytes. */
export function noise(sizeBytes: number, seed = 1): Buffer {
  const bytes = Buffer.allocUnsafe(sizeBytes);
  let state = seed >>> 0 || 1;
  for (let index = 0; index < sizeBytes; index++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[index] = state & 0xff;
  }
  return bytes;
}
