import { crc32, deflateSync } from 'node:zlib';
import { AFRelationship, PDFDocument, StandardFonts } from '@cantoo/pdf-lib';

/** A text on a page: left edge and distance from the top in points, size 10 unless told otherwise. */
export type Piece = readonly [x: number, fromTop: number, text: string, size?: number];

const HEIGHT = 842;
const WIDTH = 595;

/** Draws a document: one list of pieces per page. The same input makes the same text, whatever order it is drawn in. */
export async function drawPdf(
  pages: readonly (readonly Piece[])[],
  options: {
    readonly xml?: { readonly name: string; readonly text: string };
    readonly font?: 'Helvetica' | 'TimesRoman' | 'Courier';
  } = {},
): Promise<Uint8Array> {
  const document = await PDFDocument.create();
  const font = await document.embedFont(StandardFonts[options.font ?? 'Helvetica']);
  for (const pieces of pages) {
    const page = document.addPage([WIDTH, HEIGHT]);
    for (const [x, fromTop, text, size = 10] of pieces) {
      // A negative edge is counted from the right: amounts stand flush right.
      const left = x >= 0 ? x : WIDTH + x - font.widthOfTextAtSize(text, size);
      page.drawText(text, { x: left, y: HEIGHT - fromTop, size, font });
    }
  }
  if (options.xml !== undefined) {
    await document.attach(new TextEncoder().encode(options.xml.text), options.xml.name, {
      mimeType: 'text/xml',
      description: 'Electronic invoice',
      afRelationship: AFRelationship.Alternative,
      creationDate: new Date('2026-01-05T00:00:00Z'),
      modificationDate: new Date('2026-01-05T00:00:00Z'),
    });
  }
  return await document.save();
}

/** A page that is a grey picture: what a scanner without text recognition makes. */
export async function drawScan(): Promise<Uint8Array> {
  const document = await PDFDocument.create();
  const picture = await document.embedPng(grayPng(120, 170));
  document.addPage([WIDTH, HEIGHT]).drawImage(picture, { x: 0, y: 0, width: WIDTH, height: HEIGHT });
  return await document.save();
}

/** A PNG of eight-bit grey. */
export function grayPng(width: number, height: number): Uint8Array {
  const rows = Buffer.alloc((width + 1) * height, 0xd0);
  for (let row = 0; row < height; row += 1) rows[row * (width + 1)] = 0;
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 0, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}
