// Valid files of any size, cheap to make: bytes the gate must really look at.

const box = (type: string, ...parts: Buffer[]): Buffer => {
  const body = Buffer.concat(parts);
  const head = Buffer.alloc(8);
  head.writeUInt32BE(body.length + 8);
  head.write(type, 4, 'latin1');
  return Buffer.concat([head, body]);
};

/** The first bytes of an MP4 of `totalBytes`; the rest is the inside of `mdat`, any bytes. */
export function mp4Head(totalBytes: number): Buffer {
  const ftyp = box('ftyp', Buffer.from('isom\0\0\x02\0isomiso2mp41', 'latin1'));
  const mvhd = box('mvhd', Buffer.alloc(100));
  const moov = box('moov', mvhd);
  const mdat = Buffer.alloc(8);
  mdat.writeUInt32BE(totalBytes - ftyp.length - moov.length);
  mdat.write('mdat', 4, 'latin1');
  return Buffer.concat([ftyp, moov, mdat]);
}

/** A whole MP4 of exactly `totalBytes`. */
export function mp4(totalBytes: number): Buffer {
  const head = mp4Head(totalBytes);
  return Buffer.concat([head, Buffer.alloc(totalBytes - head.length, 0x5a)]);
}

/** A PNG-like start is not enough for the gate; text is the smallest honest file of any size. */
export function text(totalBytes: number): Buffer {
  return Buffer.alloc(totalBytes, 'The quick brown fox jumps over the lazy dog.\n');
}
