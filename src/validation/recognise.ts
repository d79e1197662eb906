import { fileTypeFromBuffer } from 'file-type';
import { holdsControl } from './control-scan.ts';
import { canonicalMediaType } from './media-type.ts';
import { leadText, scriptDanger } from './script-leads.ts';
import { textTypes } from './text-head.ts';

/** Bytes that are looked at to recognise a file. */
export const HEAD_BYTES_MAX = 4100;

/** What the first bytes show. */
export interface Recognition {
  /** Media types that begin like this, most likely first; empty when nothing is recognised. */
  readonly mediaTypes: readonly string[];
  /** What runs on a server, a desktop or in a browser, in words: `a Windows program`. */
  readonly danger?: string;
}

/**
 * Recognises a file by its first bytes: programs and scripts first, then our own knowledge of the formats that we
 * inspect, then the library's of everything else.
 *
 * @param head the first {@link HEAD_BYTES_MAX} bytes, or all there are.
 */
export async function recognise(head: Buffer): Promise<Recognition> {
  const isText = !holdsControl(head);
  const lead = leadText(head);
  const danger = (isText ? undefined : binaryDanger(head)) ?? scriptDanger(lead);
  if (danger !== undefined) return { mediaTypes: [], danger };
  const known = KNOWN.find(({ begins }) => begins(head))?.mediaType;
  if (known !== undefined) return { mediaTypes: [known] };
  const text = textTypes(head, lead, isText);
  if (text.length > 0) return { mediaTypes: text };
  const found = (await fileTypeFromBuffer(head))?.mime;
  if (isZip(head)) return { mediaTypes: zipTypes(found) };
  if (found === undefined) return { mediaTypes: [] };
  const foundDanger = LIBRARY_DANGERS[found];
  if (foundDanger !== undefined) return { mediaTypes: [], danger: foundDanger };
  return { mediaTypes: [canonicalMediaType(found)] };
}

const LIBRARY_DANGERS: Readonly<Record<string, string>> = {
  'application/java-vm': 'a Java program',
  'application/vnd.ms-cab-compressed': 'a Windows cabinet',
  'application/vnd.ms-htmlhelp': 'a Windows help program',
  'application/wasm': 'a WebAssembly program',
  'application/x-apple-diskimage': 'a disk image with programs',
  'application/x-deb': 'a software package',
  'application/x-elf': 'a Linux program',
  'application/x-google-chrome-extension': 'a browser extension',
  'application/x-mach-binary': 'a macOS program',
  'application/x-ms-shortcut': 'a Windows shortcut',
  'application/x-msdownload': 'a Windows program',
  'application/x-rpm': 'a software package',
  'application/x-shockwave-flash': 'a Flash program',
  'application/x-unix-archive': 'a software package',
};

const BINARY_DANGERS: readonly (readonly [prefix: Buffer, danger: string])[] = [
  [bytes('4d5a'), 'a Windows program'],
  [bytes('7f454c46'), 'a Linux program'],
  [bytes('cafebabe'), 'a Java or macOS program'],
  [bytes('feedface'), 'a macOS program'],
  [bytes('feedfacf'), 'a macOS program'],
  [bytes('cefaedfe'), 'a macOS program'],
  [bytes('cffaedfe'), 'a macOS program'],
  [bytes('0061736d'), 'a WebAssembly program'],
  [bytes('4c00000001140200'), 'a Windows shortcut'],
  [bytes('4d534346'), 'a Windows cabinet'],
  [bytes('6465780a'), 'an Android program'],
];

// The CLSID of a Windows installer in the root entry of a compound file (000C1084-0000-0000-C000-000000000046).
const INSTALLER_CLSID = bytes('84100c0000000000c000000000000046');
const COMPOUND_FILE = bytes('d0cf11e0');

function binaryDanger(head: Buffer): string | undefined {
  for (const [prefix, danger] of BINARY_DANGERS) if (startsWith(head, prefix)) return danger;
  if (startsWith(head, COMPOUND_FILE) && head.includes(INSTALLER_CLSID)) return 'a Windows installer';
  return undefined;
}

const OFFICE_TYPES = ['wordprocessingml.document', 'spreadsheetml.sheet', 'presentationml.presentation'].map(
  (kind) => `application/vnd.openxmlformats-officedocument.${kind}`,
);

const ZIP_STARTS = ['504b0304', '504b0506', '504b0708'].map(bytes);

function isZip(head: Buffer): boolean {
  return ZIP_STARTS.some((start) => startsWith(head, start));
}

/**
 * What a ZIP archive may be. The head often does not reach the entry that tells which office document it is, and a
 * macro-enabled one is for the inspector to name: then all are possible, and the inspector decides.
 */
function zipTypes(found: string | undefined): string[] {
  if (found === undefined || found === 'application/zip' || /macroenabled/i.test(found)) {
    return ['application/zip', ...OFFICE_TYPES];
  }
  return [found, 'application/zip'];
}

const MP4_BRANDS =
  /^(?:isom|iso[2-9a-c]|mp4[12]|avc1|mmp4|M4V[ HP]|dash|msdh|MSNV|f4v |XAVC|NDS[CHMPSX]|3gp[4-9]|3g2[a-c]|hvc1|hev1|av01|cmf[2cf])$/;
const FTYP = 0x66747970;
const AVIF_BRANDS = /^avi[fso]$/;
const HEIF_BRANDS = /^(?:hei[cxms]|hev[cxms]|mif1|msf1)$/;

const JPEG_START = bytes('ffd8ff');
const PNG_START = bytes('89504e470d0a1a0a');
const GIF_STARTS = ['GIF87a', 'GIF89a'].map((start) => Buffer.from(start));
const RIFF_START = Buffer.from('RIFF');
const TIFF_STARTS = ['49492a00', '4d4d002a', '49492b00', '4d4d002b'].map(bytes);
const PDF_MARK = Buffer.from('%PDF-');

const KNOWN: readonly { readonly mediaType: string; readonly begins: (head: Buffer) => boolean }[] = [
  { mediaType: 'image/jpeg', begins: (head) => startsWith(head, JPEG_START) },
  { mediaType: 'image/png', begins: (head) => startsWith(head, PNG_START) },
  { mediaType: 'image/gif', begins: (head) => GIF_STARTS.some((start) => startsWith(head, start)) },
  {
    mediaType: 'image/webp',
    begins: (head) => startsWith(head, RIFF_START) && head.toString('latin1', 8, 12) === 'WEBP',
  },
  { mediaType: 'image/tiff', begins: (head) => TIFF_STARTS.some((start) => startsWith(head, start)) },
  {
    mediaType: 'application/pdf',
    begins: (head) =>
      head.includes(PDF_MARK) && /^(?:\u00ef\u00bb\u00bf)?\s*%PDF-\d/.test(head.toString('latin1', 0, 1024)),
  },
  { mediaType: 'image/avif', begins: (head) => brandFamily(head) === 'avif' },
  { mediaType: 'image/heic', begins: (head) => brandFamily(head) === 'heif' },
  { mediaType: 'video/mp4', begins: (head) => brandFamily(head) === 'mp4' },
];

/** The family that an ISO base media file belongs to, by its major brand, else by a known compatible one. */
function brandFamily(head: Buffer): 'avif' | 'heif' | 'mp4' | undefined {
  if (head.length < 12 || head.readUInt32BE(4) !== FTYP) return undefined;
  const end = Math.min(head.readUInt32BE(0), head.length);
  const major = head.toString('latin1', 8, 12);
  const brands = [major];
  for (let offset = 16; offset + 4 <= end; offset += 4)
    brands.push(head.toString('latin1', offset, offset + 4));
  // mif1 says only "some still image": what it holds is named among the compatible brands.
  if (/^m[is]f1$/.test(major) && brands.some((brand) => AVIF_BRANDS.test(brand))) return 'avif';
  if (AVIF_BRANDS.test(major)) return 'avif';
  if (HEIF_BRANDS.test(major)) return 'heif';
  // Apple's audio and QuickTime brands are other types, whatever they are compatible with.
  if (/^(?:qt {2}|M4[AB] |F4A |crx )$/.test(major)) return undefined;
  return brands.some((brand) => MP4_BRANDS.test(brand)) ? 'mp4' : undefined;
}

/** In this way, without a view or a text: every upload is compared with some twenty of them. */
function startsWith(head: Buffer, prefix: Buffer): boolean {
  for (let at = 0; at < prefix.length; at += 1) if (head[at] !== prefix[at]) return false;
  return true;
}

function bytes(hex: string): Buffer {
  return Buffer.from(hex, 'hex');
}
