/** Control characters that text holds: tab, line feed, form feed, carriage return. */
const TEXT_CONTROLS = [0x09, 0x0a, 0x0c, 0x0d];

/** Whether a byte is a NUL or another control character that text never holds. */
function isControl(byte: number): boolean {
  return byte < 0x20 ? !TEXT_CONTROLS.includes(byte) : byte === 0x7f;
}

/** Whether one of the bytes is a control character that text never holds. */
export type ControlScan = (bytes: Uint8Array) => boolean;

const CONTROLS = Uint8Array.from({ length: 256 }, (_, byte) => (isControl(byte) ? 1 : 0));

/** Byte by byte, for engines that run no WebAssembly (`node --jitless`) or have no memory for it. */
export function scanByTable(bytes: Uint8Array): boolean {
  let found = 0;
  for (const byte of bytes) found |= CONTROLS[byte] ?? 0;
  return found !== 0;
}

/** What is used of WebAssembly: TypeScript's library declares it for pages only. */
declare const WebAssembly: {
  readonly Memory: new (pages: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer };
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (
    module: object,
    imports: object,
  ) => { readonly exports: Readonly<Record<string, unknown>> };
};

/** What is looked at in one call: the first page of the memory. */
const WINDOW_BYTES = 65_536;

/** Bytes that one turn of the loop looks at. */
const TURN_BYTES = 32;

/**
 * Sixteen bytes at a time, in WebAssembly: many times as fast.
 *
 * @throws what the engine throws when it can't.
 */
export function openVectorScan(): ControlScan {
  const memory = new WebAssembly.Memory({ initial: 2, maximum: 2 });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(MODULE), { '': { '': memory } });
  const scan = exports[''] as (byteCount: number) => number;
  const window = new Uint8Array(memory.buffer, 0, WINDOW_BYTES);
  for (const [index, vector] of VECTORS.entries())
    new Uint8Array(memory.buffer, vectorAt(index), 16).set(vector);
  return (bytes) => {
    for (let from = 0; from < bytes.byteLength; from += WINDOW_BYTES) {
      const part = bytes.byteLength <= WINDOW_BYTES ? bytes : bytes.subarray(from, from + WINDOW_BYTES);
      window.set(part);
      // The last turn looks at bytes of an earlier call otherwise.
      const leftBytes = -part.byteLength & (TURN_BYTES - 1);
      if (leftBytes > 0) window.fill(0x20, part.byteLength, part.byteLength + leftBytes);
      if (scan(part.byteLength) !== 0) return true;
    }
    return false;
  };
}

// Vectors that the loop compares with; they stand behind the window. Loaded from memory once they stay in registers,
// where constants in the code are made again in every turn.
const VECTORS = [
  // Of the first sixteen bytes those that are controls.
  Array.from({ length: 16 }, (_, byte) => (isControl(byte) ? 0xff : 0)),
  new Array<number>(16).fill(0xf0),
  new Array<number>(16).fill(0x10),
  new Array<number>(16).fill(0x7f),
];

function vectorAt(index: number): number {
  return WINDOW_BYTES + 16 * index;
}

// The module by hand, as the specification of WebAssembly writes it (webassembly.github.io/spec/core/binary):
// numbers are LEB128, a section is its number, its length and its content, a list is its length and its items.
function leb(value: number): number[] {
  return value < 0x40 ? [value] : [(value & 0x7f) | 0x80, ...leb(value >>> 7)];
}
const list = (...items: number[][]) => [...leb(items.length), ...items.flat()];
const section = (id: number, content: number[]) => [id, ...leb(content.length), ...content];

const I32 = 0x7f;
const V128 = 0x7b;
const NO_NAME = [0];

// The locals of the function: its parameter, where it looks, the bytes there, what it found, the vectors.
const COUNT = 0;
const AT = 1;
const BYTES = 2;
const FOUND = 3;
const [LOW_CONTROLS, HIGH_HALF, SIXTEEN, DELETE] = [4, 5, 6, 7] as const;

const get = (local: number) => [0x20, local];
const set = (local: number) => [0x21, local];
const tee = (local: number) => [0x22, local];
const i32 = (value: number) => [0x41, ...leb(value)];
const v128Load = (offset: number) => [0xfd, 0x00, 0, ...leb(offset)];
const SWIZZLE = [0xfd, 0x0e];
const EQUAL = [0xfd, 0x23];
const AND = [0xfd, 0x4e];
const OR = [0xfd, 0x50];
const ANY_TRUE = [0xfd, 0x53];

/** Adds the controls among sixteen bytes to those found. */
const look = (offset: number) => [
  [...get(AT), ...v128Load(offset), ...tee(BYTES), ...get(DELETE), ...EQUAL],
  // Below 16 by their entry in the list, which answers 0 for all others.
  [...get(LOW_CONTROLS), ...get(BYTES), ...SWIZZLE, ...OR],
  // From 16 to 31 all.
  [...get(BYTES), ...get(HIGH_HALF), ...AND, ...get(SIXTEEN), ...EQUAL, ...OR],
  [...get(FOUND), ...OR, ...set(FOUND)],
];

const SCAN = [
  // One more number, six vectors.
  list([1, I32], [6, V128]),
  ...VECTORS.map((_, index) => [...i32(0), ...v128Load(vectorAt(index)), ...set(LOW_CONTROLS + index)]),
  // loop: at += 32, and again as long as that is less than the count.
  [0x03, 0x40],
  ...look(0),
  ...look(16),
  [...get(AT), ...i32(TURN_BYTES), 0x6a, ...tee(AT), ...get(COUNT), 0x48, 0x0d, 0, 0x0b],
  [...get(FOUND), ...ANY_TRUE, 0x0b],
].flat();

const MODULE = Uint8Array.from([
  ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  // A function of a number that answers a number.
  ...section(1, list([0x60, ...list([I32]), ...list([I32])])),
  // The memory of two pages.
  ...section(2, list([...NO_NAME, ...NO_NAME, 0x02, 0x01, 2, 2])),
  ...section(3, list([0])),
  ...section(7, list([...NO_NAME, 0x00, 0])),
  ...section(10, list([...leb(SCAN.length), ...SCAN])),
]);

function openScan(): ControlScan {
  try {
    return openVectorScan();
  } catch {
    return scanByTable;
  }
}

/** Whether one of the bytes is a control character that text never holds. */
export const holdsControl = openScan();
