/** Signatures of the records of a ZIP file, as little-endian numbers (APPNOTE.TXT 4.3). */
export const SIGNATURE = {
  localEntry: 0x04034b50,
  descriptor: 0x08074b50,
  directoryEntry: 0x02014b50,
  directoryEnd: 0x06054b50,
  directoryEnd64: 0x06064b50,
  directoryEnd64Locator: 0x07064b50,
  encryptedDirectory: 0x08064b50,
} as const;

/** Bytes of the fixed part of each record, without its signature. */
export const RECORD_BYTES = {
  localEntry: 26,
  directoryEntry: 42,
  directoryEnd: 18,
  directoryEnd64: 52,
  directoryEnd64Locator: 16,
} as const;

/** In a 32-bit field: the value is in the zip64 extra field. */
const MARKER_32 = 0xffffffff;
const MARKER_16 = 0xffff;

const EXTRA_ZIP64 = 0x0001;
const EXTRA_UNICODE_PATH = 0x7075;
const EXTRA_STRONG_ENCRYPTION = 0x0017;
const EXTRA_AES = 0x9901;
/** ASi Unix: another place for a mode and a link's target. */
const EXTRA_ASI_UNIX = 0x756e;

/** What local and directory headers both say about an entry. */
export interface EntryHeader {
  readonly flags: number;
  /** 0 stored, 8 deflated. */
  readonly method: number;
  readonly crc: number;
  /** Undefined when the header points to a zip64 field that is not there. */
  readonly compressedBytes: number | undefined;
  readonly expandedBytes: number | undefined;
  readonly extra: ExtraFields;
}

/** What the extra fields say. */
export interface ExtraFields {
  readonly zip64: Buffer | undefined;
  /** A second name, which some programs prefer to the first. */
  readonly unicodeName: Buffer | undefined;
  readonly encrypted: boolean;
  /** Unix mode of the ASi field. */
  readonly mode: number;
}

/** Lengths of the parts that follow a header's fixed part, in bytes. */
export interface HeaderTail {
  readonly nameBytes: number;
  readonly extraBytes: number;
}

export function localTail(fixed: Buffer): HeaderTail {
  return { nameBytes: fixed.readUInt16LE(22), extraBytes: fixed.readUInt16LE(24) };
}

/** Reads a local header (APPNOTE 4.3.7). */
export function readLocalHeader(fixed: Buffer, extraBytes: Buffer): EntryHeader {
  const extra = readExtraFields(extraBytes);
  const [expandedBytes, compressedBytes] = resolve64(
    [fixed.readUInt32LE(18), fixed.readUInt32LE(14)],
    extra.zip64,
  );
  return {
    flags: fixed.readUInt16LE(2),
    method: fixed.readUInt16LE(4),
    crc: fixed.readUInt32LE(10),
    compressedBytes,
    expandedBytes,
    extra,
  };
}

/** An entry of the central directory. */
export interface DirectoryHeader extends EntryHeader {
  /** Where its local header is. */
  readonly offset: number | undefined;
  readonly disk: number;
  readonly externalAttributes: number;
}

export function directoryTail(fixed: Buffer): HeaderTail & { readonly commentBytes: number } {
  return {
    nameBytes: fixed.readUInt16LE(24),
    extraBytes: fixed.readUInt16LE(26),
    commentBytes: fixed.readUInt16LE(28),
  };
}

/** Reads an entry of the central directory (APPNOTE 4.3.12). */
export function readDirectoryHeader(fixed: Buffer, extraBytes: Buffer): DirectoryHeader {
  const extra = readExtraFields(extraBytes);
  const [expandedBytes, compressedBytes, offset] = resolve64(
    [fixed.readUInt32LE(20), fixed.readUInt32LE(16), fixed.readUInt32LE(38)],
    extra.zip64,
  );
  const disk = fixed.readUInt16LE(30);
  return {
    flags: fixed.readUInt16LE(4),
    method: fixed.readUInt16LE(6),
    crc: fixed.readUInt32LE(12),
    compressedBytes,
    expandedBytes,
    offset,
    disk: disk === MARKER_16 ? 0 : disk,
    externalAttributes: fixed.readUInt32LE(34),
    extra,
  };
}

/** The end of the central directory. Undefined values stand for "see the zip64 record". */
export interface DirectoryEnd {
  readonly disks: readonly (number | undefined)[];
  readonly entries: readonly (number | undefined)[];
  readonly directoryBytes: number | undefined;
  readonly directoryOffset: number | undefined;
  readonly commentBytes: number;
}

/** Reads the end record (APPNOTE 4.3.16). */
export function readDirectoryEnd(fixed: Buffer): DirectoryEnd {
  const small = (at: number) => unlessMarker(fixed.readUInt16LE(at), MARKER_16);
  const large = (at: number) => unlessMarker(fixed.readUInt32LE(at), MARKER_32);
  return {
    disks: [small(0), small(2)],
    entries: [small(4), small(6)],
    directoryBytes: large(8),
    directoryOffset: large(12),
    commentBytes: fixed.readUInt16LE(16),
  };
}

/** Reads the zip64 end record (APPNOTE 4.3.14); undefined when it has the parts of version 2, which nobody writes. */
export function readDirectoryEnd64(fixed: Buffer): DirectoryEnd | undefined {
  if (readSize(fixed, 0) !== RECORD_BYTES.directoryEnd64 - 8) return undefined;
  return {
    disks: [fixed.readUInt32LE(12), fixed.readUInt32LE(16)],
    entries: [readSize(fixed, 20), readSize(fixed, 28)],
    directoryBytes: readSize(fixed, 36),
    directoryOffset: readSize(fixed, 44),
    commentBytes: 0,
  };
}

/** A 64-bit size; Infinity when it is larger than any file can be. */
export function readSize(bytes: Buffer, at: number): number {
  const value = Number(bytes.readBigUInt64LE(at));
  return Number.isSafeInteger(value) ? value : Number.POSITIVE_INFINITY;
}

function unlessMarker(value: number, marker: number): number | undefined {
  return value === marker ? undefined : value;
}

/** Replaces the marker values by those of the zip64 field, which holds only the marked ones, in this order. */
function resolve64(values: readonly number[], zip64: Buffer | undefined): (number | undefined)[] {
  let at = 0;
  return values.map((value) => {
    if (value !== MARKER_32) return value;
    if (zip64 === undefined || at + 8 > zip64.byteLength) return undefined;
    at += 8;
    return readSize(zip64, at - 8);
  });
}

/** Reads the extra fields (APPNOTE 4.5). What does not parse is padding, as alignment tools leave it. */
function readExtraFields(bytes: Buffer): ExtraFields {
  const found = { zip64: undefined as Buffer | undefined, unicodeName: undefined as Buffer | undefined };
  let encrypted = false;
  let mode = 0;
  for (let at = 0; at + 4 <= bytes.byteLength; ) {
    const id = bytes.readUInt16LE(at);
    const end = at + 4 + bytes.readUInt16LE(at + 2);
    if (end > bytes.byteLength) break;
    const data = bytes.subarray(at + 4, end);
    if (id === EXTRA_ZIP64) found.zip64 ??= data;
    else if (id === EXTRA_UNICODE_PATH && data.byteLength > 5) found.unicodeName ??= data.subarray(5);
    else if (id === EXTRA_STRONG_ENCRYPTION || id === EXTRA_AES) encrypted = true;
    else if (id === EXTRA_ASI_UNIX && data.byteLength >= 6) mode = data.readUInt16LE(4);
    at = end;
  }
  return { ...found, encrypted, mode };
}
