import { KIB } from '../core/bytes.ts';
import { StowageError } from '../core/errors.ts';

/** What a client may attach to an asset. */
export type UploadMetadata = Readonly<Record<string, unknown>>;

/** Largest metadata of an upload as JSON, in bytes. */
export const METADATA_BYTES_MAX = 16 * KIB;
/** Deepest nesting: what every JSON reader between here and the client survives. */
export const METADATA_DEPTH_MAX = 16;

/**
 * Reads the `metadata` field of a form.
 *
 * @throws StowageError `invalid_parameter` when it is not a JSON object within the bounds.
 */
export function parseMetadata(text: string): UploadMetadata {
  if (Buffer.byteLength(text) > METADATA_BYTES_MAX) {
    throw refused(`is larger than ${METADATA_BYTES_MAX} bytes`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw refused('is not valid JSON');
  }
  return checkMetadata(value);
}

/**
 * Checks metadata that did not come as text.
 *
 * @throws StowageError `invalid_parameter`.
 */
export function checkMetadata(value: unknown): UploadMetadata {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refused('is not an object');
  checkValue(value, 1);
  if (Buffer.byteLength(JSON.stringify(value)) > METADATA_BYTES_MAX) {
    throw refused(`is larger than ${METADATA_BYTES_MAX} bytes`);
  }
  return value as UploadMetadata;
}

function checkValue(value: unknown, depth: number): void {
  if (typeof value === 'string') checkText(value);
  if (typeof value === 'number') checkNumber(value);
  if (typeof value !== 'object' || value === null) return;
  if (depth > METADATA_DEPTH_MAX) throw refused(`is nested deeper than ${METADATA_DEPTH_MAX} levels`);
  for (const [name, inner] of Object.entries(value)) {
    checkText(name);
    checkValue(inner, depth + 1);
  }
}

/** A number of more digits than a double keeps would come back as another one. */
function checkNumber(value: number): void {
  const isKept = Number.isInteger(value) ? Number.isSafeInteger(value) : Number.isFinite(value);
  if (!isKept) throw refused('contains a number that is too large: send it as a string');
}

/** PostgreSQL's jsonb holds neither NUL nor half of a surrogate pair. */
function checkText(text: string): void {
  if (text.includes('\0') || !text.isWellFormed()) throw refused('contains text that is not valid Unicode');
}

function refused(problem: string): StowageError {
  return new StowageError('invalid_parameter', `The field metadata ${problem}.`, {
    fields: { parameter: 'metadata' },
  });
}
