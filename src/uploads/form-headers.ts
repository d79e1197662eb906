import { isUtf8 } from 'node:buffer';
import { BoundedMap } from '../core/bounded-map.ts';
import { StowageError } from '../core/errors.ts';

/** What the header block of one part says (RFC 7578 §4). */
export interface PartHeaders {
  readonly name: string;
  /** Null when the part is a plain field. */
  readonly filename: string | null;
  /** The Content-Type as sent; null when absent. */
  readonly mediaType: string | null;
  /** The Repr-Digest as sent, several joined; null when absent. */
  readonly reprDigest: string | null;
}

/**
 * Reads the boundary out of a request's Content-Type.
 *
 * @throws StowageError `unsupported_media_type` when the body is no form; `malformed_request` for a form whose boundary
 *   is missing or is not what RFC 2046 §5.1.1 allows.
 */
export function parseFormBoundary(contentType: string | null): string {
  const type = /^[ \t]*multipart\/form-data[ \t]*(?=;|$)/i.exec(contentType ?? '');
  if (contentType === null || type === null) {
    throw new StowageError('unsupported_media_type', 'The body must be multipart/form-data.');
  }
  const boundary = parseParameters(contentType, type[0].length)?.get('boundary');
  if (boundary === undefined || !BOUNDARY.test(boundary)) {
    throw malformed('The Content-Type has no valid boundary.');
  }
  return boundary;
}

/**
 * Reads the header block of one part, without the empty line that ends it.
 *
 * @throws StowageError `malformed_request`.
 */
export function parsePartHeaders(block: Buffer): PartHeaders {
  if (block.length > KNOWN_BYTES_MAX) return readPartHeaders(block);
  const bytes = block.toString('latin1');
  const known = knownFields.get(bytes);
  if (known !== undefined) return known;
  const headers = readPartHeaders(block);
  if (headers.filename === null) knownFields.set(bytes, headers);
  return headers;
}

/** Longest block that is remembered, in bytes. */
const KNOWN_BYTES_MAX = 256;
/** What plain fields say, by the bytes that say it: the clients of an application send the same few with every file. */
const knownFields = new BoundedMap<string, PartHeaders>(500);

function readPartHeaders(block: Buffer): PartHeaders {
  if (!isUtf8(block)) throw malformed('The headers of a part are not UTF-8.');
  const text = block.toString('utf8');
  let disposition: string | null = null;
  let mediaType: string | null = null;
  let reprDigest: string | null = null;
  for (const line of text.split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon < 1 || CONTROL.test(line)) throw malformed('A header line of a part is malformed.');
    const value = line.slice(colon + 1).trim();
    switch (line.slice(0, colon).toLowerCase()) {
      case 'content-disposition':
        if (disposition !== null) throw malformed('A part has two Content-Disposition headers.');
        disposition = value;
        break;
      case 'content-type':
        if (mediaType !== null) throw malformed('A part has two Content-Type headers.');
        mediaType = value;
        break;
      case 'content-transfer-encoding':
        // RFC 7578 §4.7 deprecates it. What would need decoding is refused instead of being stored encoded.
        if (!PLAIN_ENCODINGS.has(value.toLowerCase())) {
          throw malformed('A part has a Content-Transfer-Encoding that is not supported.');
        }
        break;
      case 'repr-digest':
        // RFC 7578 §4.8 would have it ignored, like every header but those above. Whoever sends a digest wants it compared:
        // ignored, damaged bytes would be stored as if they had been checked. Joined as RFC 9110 §5.3 joins the request's.
        reprDigest = reprDigest === null ? value : `${reprDigest}, ${value}`;
        break;
      default:
        if (!TOKEN.test(line.slice(0, colon))) throw malformed('A header line of a part is malformed.');
    }
  }
  return { ...parseDisposition(disposition), mediaType, reprDigest };
}

const BOUNDARY = /^[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]$/;
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const PLAIN_ENCODINGS: ReadonlySet<string> = new Set(['binary', '7bit', '8bit']);
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for.
const CONTROL = /[\u0000-\u0008\u000a-\u001f\u007f]/;
const PARAMETER =
  /[ \t]*;[ \t]*([!#$%&'*+\-.^_`|~0-9A-Za-z]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^ \t";]+))/y;

function parseDisposition(disposition: string | null): { name: string; filename: string | null } {
  const type = /^form-data[ \t]*(?=;|$)/i.exec(disposition ?? '');
  const parameters = parseParameters(disposition ?? '', type?.[0].length ?? 0);
  const name = parameters?.get('name');
  if (type === null || parameters === undefined || name === undefined) {
    throw malformed('A part has no Content-Disposition "form-data" with a name.');
  }
  const filename = parameters.get('filename');
  // RFC 7578 §4.2 forbids `filename*` in forms; clients for Python and .NET send it nevertheless, and then it holds the
  // name that the user gave (RFC 6266 §4.3: it is the one to prefer).
  const extended = parameters.get('filename*');
  if (extended !== undefined) return { name: unescapeQuote(name), filename: decodeExtendedValue(extended) };
  return { name: unescapeQuote(name), filename: filename === undefined ? null : unescapeQuote(filename) };
}

/** Parameters by lower-case name; undefined when they are malformed or one is there twice. */
function parseParameters(text: string, from: number): Map<string, string> | undefined {
  const parameters = new Map<string, string>();
  PARAMETER.lastIndex = from;
  let end = from;
  for (let match = PARAMETER.exec(text); match !== null; match = PARAMETER.exec(text)) {
    const name = (match[1] ?? '').toLowerCase();
    if (parameters.has(name)) return undefined;
    parameters.set(name, match[2] === undefined ? (match[3] ?? '') : unescapeQuotedPairs(match[2]));
    end = PARAMETER.lastIndex;
  }
  return /^[ \t]*;?[ \t]*$/.test(text.slice(end)) ? parameters : undefined;
}

/** Only `\"` and `\\` are escapes: other backslashes are part of a Windows path, as old browsers sent it. */
function unescapeQuotedPairs(text: string): string {
  return text.includes('\\') ? text.replace(/\\(["\\])/g, '$1') : text;
}

/** Browsers write a quote in a name as `%22` (HTML, "multipart/form-data encoding algorithm"). */
function unescapeQuote(text: string): string {
  return text.includes('%22') ? text.replaceAll('%22', '"') : text;
}

/** RFC 8187 §3.2: `UTF-8'language'percent-encoded`. */
function decodeExtendedValue(text: string): string {
  const match = /^utf-8'[A-Za-z0-9-]*'((?:[!#$&+.^_`|~0-9A-Za-z-]|%[0-9A-Fa-f]{2})*)$/i.exec(text);
  try {
    if (match?.[1] !== undefined) return decodeURIComponent(match[1]);
  } catch {
    // Not UTF-8: refused below.
  }
  throw malformed('The "filename*" of a part is malformed.');
}

function malformed(message: string): StowageError {
  return new StowageError('malformed_request', message);
}
