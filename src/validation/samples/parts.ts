/** Numbers as bytes, for building files: `u16be(1)` is `00 01`. */
export const u8 = (...values: number[]): Buffer => Buffer.from(values);

export function u16be(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

export function u32be(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export function u64be(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

export function u16le(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

export function u32le(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** Text with one byte per character. */
export function ascii(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

/** Joins buffers and Latin-1 texts. */
export function join(...parts: readonly (Buffer | string)[]): Buffer {
  return Buffer.concat(parts.map((part) => (typeof part === 'string' ? ascii(part) : part)));
}

/** Bytes that look random and are always the same: what compressed data looks like. */
export function noise(byteCount: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(byteCount);
  let state = seed;
  for (let at = 0; at < byteCount; at += 1) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}

/** A small ZIP archive with one stored entry, as it is appended to other files. */
export function plainZip(name = 'a.txt', content = 'hidden'): Buffer {
  const fields = join(
    u16le(0),
    u16le(0),
    u16le(0),
    u16le(0x21),
    u32le(0),
    u32le(content.length),
    u32le(content.length),
  );
  const names = join(u16le(name.length), u16le(0));
  const local = join('PK\u0003\u0004', u16le(10), fields, names, name, content);
  const central = join('PK\u0001\u0002', u16le(10), u16le(10), fields, names, Buffer.alloc(14), name);
  const end = join(
    'PK\u0005\u0006',
    u32le(0),
    u16le(1),
    u16le(1),
    u32le(central.length),
    u32le(local.length),
    u16le(0),
  );
  return join(local, central, end);
}

/** The beginning of a Windows program. */
export const WINDOWS_PROGRAM = join(
  'MZ',
  u8(0x90, 0, 3, 0, 0, 0, 4, 0, 0, 0, 0xff, 0xff),
  Buffer.alloc(50),
  'PE\0\0',
  noise(200),
);
/** The beginning of a Linux program. */
export const LINUX_PROGRAM = join(
  u8(0x7f),
  'ELF',
  u8(2, 1, 1, 0),
  Buffer.alloc(8),
  u8(2, 0, 0x3e, 0),
  noise(200),
);
/** A PHP script as it is hidden in images. */
export const PHP = '<?php system($_GET["c"]); ?>';
/** A script for browsers. */
export const SCRIPT = '<script>alert(1)</script>';
/** A small PDF document. */
export const PDF = '%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n';
