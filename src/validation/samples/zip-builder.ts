import { crc32, deflateRawSync } from 'node:zlib';

/** An entry to build. What is not said is right; `local` and `central` tell lies in one of the two headers. */
export interface EntryPlan {
  readonly name: string | Buffer;
  readonly data?: string | Buffer;
  /** 0 stored, 8 deflated (the default), or a number of a method that is only claimed. */
  readonly method?: number;
  /** How the sizes follow the data, if they do. */
  readonly descriptor?: 'signed' | 'unsigned' | 'signed64' | 'unsigned64';
  readonly flags?: number;
  /** Unix mode, with type; null leaves the attributes 0 as on Windows. */
  readonly mode?: number | null;
  /** Sizes in the zip64 extra field. */
  readonly zip64?: boolean;
  readonly extra?: Buffer;
  readonly centralExtra?: Buffer;
  /** Packed bytes as they are, when they are not what `data` packs to. */
  readonly packed?: Buffer;
  readonly local?: HeaderLies;
  readonly central?: HeaderLies & { readonly offset?: number };
  readonly descriptorCrc?: number;
  /** Bytes between the entry before and this one. */
  readonly gap?: Buffer;
  readonly comment?: string;
}

/** Values that a header claims although they are wrong. */
export interface HeaderLies {
  readonly name?: string;
  readonly method?: number;
  readonly flags?: number;
  readonly crc?: number;
  readonly compressedBytes?: number;
  readonly expandedBytes?: number;
  readonly absent?: boolean;
}

/** What surrounds the entries. */
export interface ArchivePlan {
  readonly prefix?: Buffer;
  readonly beforeDirectory?: Buffer;
  readonly comment?: string | Buffer;
  readonly suffix?: Buffer;
  readonly zip64?: boolean;
  readonly end?: {
    readonly disk?: number;
    readonly entries?: number;
    readonly directoryBytes?: number;
    readonly directoryOffset?: number;
    readonly commentBytes?: number;
  };
  /** Directory entries in the opposite order. */
  readonly reversedDirectory?: boolean;
}

/** Builds a ZIP file, right or wrong as planned. */
export function buildZip(entries: readonly EntryPlan[], plan: ArchivePlan = {}): Buffer {
  const pieces: Buffer[] = [plan.prefix ?? Buffer.alloc(0)];
  const directory: Buffer[] = [];
  let offset = pieces[0]?.byteLength ?? 0;
  const add = (piece: Buffer) => {
    pieces.push(piece);
    offset += piece.byteLength;
  };
  for (const entry of entries) {
    if (entry.gap) add(entry.gap);
    const built = buildEntry(entry, offset);
    if (!entry.local?.absent) add(built.local);
    if (!entry.central?.absent) directory.push(built.central);
  }
  if (plan.beforeDirectory) add(plan.beforeDirectory);
  if (plan.reversedDirectory) directory.reverse();
  const directoryBytes = Buffer.concat(directory);
  return Buffer.concat([
    ...pieces,
    directoryBytes,
    buildEnd(directory.length, directoryBytes.byteLength, offset, plan),
    plan.suffix ?? Buffer.alloc(0),
  ]);
}

function buildEntry(entry: EntryPlan, offset: number): { local: Buffer; central: Buffer } {
  const name = Buffer.from(entry.name);
  const data = Buffer.from(entry.data ?? '');
  const method = entry.method ?? 8;
  const packed = entry.packed ?? (method === 8 ? deflateRawSync(data) : data);
  const truth = {
    name,
    method,
    flags: (entry.flags ?? 0) | (entry.descriptor ? 8 : 0),
    crc: crc32(data),
    compressedBytes: packed.byteLength,
    expandedBytes: data.byteLength,
  };
  const unknownYet = entry.descriptor ? { crc: 0, compressedBytes: 0, expandedBytes: 0 } : {};
  const local = { ...truth, ...unknownYet, ...named(entry.local) };
  const central = { offset, ...truth, ...named(entry.central) };
  const descriptor = entry.descriptor
    ? buildDescriptor(entry.descriptor, { ...truth, crc: entry.descriptorCrc ?? truth.crc })
    : Buffer.alloc(0);
  const extra = entry.extra ?? Buffer.alloc(0);
  return {
    local: Buffer.concat([localHeader(local, entry.zip64 === true, extra), packed, descriptor]),
    central: centralHeader(central, entry, entry.centralExtra ?? extra),
  };
}

interface HeaderValues {
  readonly name: Buffer;
  readonly method: number;
  readonly flags: number;
  readonly crc: number;
  readonly compressedBytes: number;
  readonly expandedBytes: number;
}

function named(lies: HeaderLies = {}) {
  const { name, absent: _, ...rest } = lies;
  return name === undefined ? rest : { ...rest, name: Buffer.from(name) };
}

function localHeader(values: HeaderValues, zip64: boolean, extra: Buffer): Buffer {
  const extras = zip64
    ? Buffer.concat([extraField(1, sizes(8, values.expandedBytes, values.compressedBytes)), extra])
    : extra;
  const fixed = Buffer.alloc(30);
  fixed.writeUInt32LE(0x04034b50, 0);
  fixed.writeUInt16LE(zip64 ? 45 : 20, 4);
  fixed.writeUInt16LE(values.flags, 6);
  fixed.writeUInt16LE(values.method, 8);
  fixed.writeUInt32LE(0x5a21_6000, 10);
  fixed.writeUInt32LE(values.crc, 14);
  fixed.writeUInt32LE(zip64 ? 0xffffffff : values.compressedBytes, 18);
  fixed.writeUInt32LE(zip64 ? 0xffffffff : values.expandedBytes, 22);
  fixed.writeUInt16LE(values.name.byteLength, 26);
  fixed.writeUInt16LE(extras.byteLength, 28);
  return Buffer.concat([fixed, values.name, extras]);
}

function centralHeader(values: HeaderValues & { offset: number }, entry: EntryPlan, extra: Buffer): Buffer {
  const zip64 = entry.zip64 === true;
  const extras = zip64
    ? Buffer.concat([extraField(1, sizes(8, values.expandedBytes, values.compressedBytes)), extra])
    : extra;
  const comment = Buffer.from(entry.comment ?? '');
  const mode = entry.mode === undefined ? 0o100644 : (entry.mode ?? 0);
  const fixed = Buffer.alloc(46);
  fixed.writeUInt32LE(0x02014b50, 0);
  fixed.writeUInt16LE(entry.mode === null ? 20 : 0x0314, 4);
  fixed.writeUInt16LE(zip64 ? 45 : 20, 6);
  fixed.writeUInt16LE(values.flags, 8);
  fixed.writeUInt16LE(values.method, 10);
  fixed.writeUInt32LE(0x5a21_6000, 12);
  fixed.writeUInt32LE(values.crc, 16);
  fixed.writeUInt32LE(zip64 ? 0xffffffff : values.compressedBytes, 20);
  fixed.writeUInt32LE(zip64 ? 0xffffffff : values.expandedBytes, 24);
  fixed.writeUInt16LE(values.name.byteLength, 28);
  fixed.writeUInt16LE(extras.byteLength, 30);
  fixed.writeUInt16LE(comment.byteLength, 32);
  fixed.writeUInt32LE((mode << 16) >>> 0, 38);
  fixed.writeUInt32LE(values.offset, 42);
  return Buffer.concat([fixed, values.name, extras, comment]);
}

function buildDescriptor(layout: string, values: HeaderValues): Buffer {
  const crc = Buffer.alloc(4);
  crc.writeUInt32LE(values.crc);
  return Buffer.concat([
    layout.startsWith('signed') ? Buffer.from('PK\x07\x08', 'latin1') : Buffer.alloc(0),
    crc,
    sizes(layout.endsWith('64') ? 8 : 4, values.compressedBytes, values.expandedBytes),
  ]);
}

function buildEnd(
  entries: number,
  directoryBytes: number,
  directoryOffset: number,
  plan: ArchivePlan,
): Buffer {
  const comment = Buffer.from(plan.comment ?? '');
  const values = { disk: 0, entries, directoryBytes, directoryOffset, ...plan.end };
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(plan.zip64 ? 0xffff : values.disk, 4);
  end.writeUInt16LE(plan.zip64 ? 0xffff : values.disk, 6);
  end.writeUInt16LE(plan.zip64 ? 0xffff : values.entries, 8);
  end.writeUInt16LE(plan.zip64 ? 0xffff : values.entries, 10);
  end.writeUInt32LE(plan.zip64 ? 0xffffffff : values.directoryBytes, 12);
  end.writeUInt32LE(plan.zip64 ? 0xffffffff : values.directoryOffset, 16);
  end.writeUInt16LE(plan.end?.commentBytes ?? comment.byteLength, 20);
  if (!plan.zip64) return Buffer.concat([end, comment]);
  const record = Buffer.alloc(56);
  record.writeUInt32LE(0x06064b50, 0);
  record.writeBigUInt64LE(44n, 4);
  record.writeUInt16LE(45, 12);
  record.writeUInt16LE(45, 14);
  record.writeBigUInt64LE(BigInt(values.entries), 24);
  record.writeBigUInt64LE(BigInt(values.entries), 32);
  record.writeBigUInt64LE(BigInt(values.directoryBytes), 40);
  record.writeBigUInt64LE(BigInt(values.directoryOffset), 48);
  const locator = Buffer.alloc(20);
  locator.writeUInt32LE(0x07064b50, 0);
  locator.writeBigUInt64LE(BigInt(directoryOffset + directoryBytes), 8);
  locator.writeUInt32LE(1, 16);
  return Buffer.concat([record, locator, end, comment]);
}

/** One extra field. */
export function extraField(id: number, data: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt16LE(id, 0);
  head.writeUInt16LE(data.byteLength, 2);
  return Buffer.concat([head, data]);
}

/** The extra field with a second name in UTF-8 (0x7075). */
export function unicodeName(name: string, headerName: string): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(1, 0);
  head.writeUInt32LE(crc32(Buffer.from(headerName)), 1);
  return extraField(0x7075, Buffer.concat([head, Buffer.from(name)]));
}

function sizes(width: 4 | 8, ...values: number[]): Buffer {
  const bytes = Buffer.alloc(width * values.length);
  values.forEach((value, index) => {
    if (width === 4) bytes.writeUInt32LE(value, index * 4);
    else bytes.writeBigUInt64LE(BigInt(value), index * 8);
  });
  return bytes;
}
