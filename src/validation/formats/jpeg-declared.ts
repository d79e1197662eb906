/** What a picture's own metadata says to follow after its end. */
export interface DeclaredParts {
  /** Further JPEG pictures: previews, gain maps, depth maps, the frames of a panorama. */
  pictures: number;
  /** The video of a motion photo. */
  video: boolean;
  /** The camera is one that writes the maker's own trailer (SEFH … SEFT). */
  samsungTrailer: boolean;
}

/** More parts than any camera writes. */
const PICTURES_MAX = 64;

/** The state before any segment was read. */
export function nothingDeclared(): DeclaredParts {
  return { pictures: 0, video: false, samsungTrailer: false };
}

const XMP = 'http://ns.adobe.com/xap/1.0/\0';
const [APP1, APP2] = [0xe1, 0xe2];

/** Adds what an application segment declares. */
export function addDeclared(declared: DeclaredParts, marker: number, data: Buffer): void {
  if (marker === APP2 && data.toString('latin1', 0, 4) === 'MPF\0') {
    declared.pictures = Math.max(declared.pictures, countMpfPictures(data.subarray(4)) - 1);
  }
  if (marker !== APP1) return;
  const text = data.toString('latin1');
  if (text.startsWith('Exif\0')) declared.samsungTrailer ||= /samsung/i.test(text);
  if (!text.startsWith(XMP)) return;
  declared.video ||= VIDEO.test(text);
  const pictures = Math.min(PICTURES_MAX, [...text.matchAll(CONTAINED_PICTURE)].length);
  declared.pictures = Math.max(declared.pictures, pictures - 1);
}

/** @see https://developer.android.com/media/platform/motion-photo-format (and the MicroVideo format before it). */
const VIDEO =
  /:(?:MicroVideo|MotionPhoto)\s*(?:=\s*["']1["']|>\s*1\s*<)|:Mime\s*(?:=\s*["']|>\s*)video\/(?:mp4|quicktime)/;
/** The primary picture is an item too. */
const CONTAINED_PICTURE = /:Mime\s*(?:=\s*["']|>\s*)image\/jpeg/g;

/** CIPA DC-007 §5.2.3.2: tag 0xB001 of the MP index holds the number of pictures. */
function countMpfPictures(index: Buffer): number {
  const isLittle = index.toString('latin1', 0, 4) === 'II*\0';
  if (!isLittle && index.toString('latin1', 0, 4) !== 'MM\0*') return 0;
  const u16 = (at: number) =>
    at + 2 > index.length ? 0 : isLittle ? index.readUInt16LE(at) : index.readUInt16BE(at);
  const u32 = (at: number) =>
    at + 4 > index.length ? 0 : isLittle ? index.readUInt32LE(at) : index.readUInt32BE(at);
  const directory = u32(4);
  for (let entry = 0; entry < Math.min(u16(directory), 32); entry += 1) {
    const at = directory + 2 + 12 * entry;
    if (u16(at) === 0xb001) return Math.min(u32(at + 8), PICTURES_MAX);
  }
  return 0;
}
