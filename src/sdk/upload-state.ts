import type { UploadInstructionsJson } from '../protocol/index.ts';
import { StowageClientError } from './errors.ts';

/**
 * An upload that can go on later, in another page or process. Plain JSON, to be kept wherever the application likes. It
 * holds no token, but the URL of a file in one request, which allows whoever has it to send these bytes.
 */
export interface UploadState {
  readonly version: 1;
  readonly uploadId: string;
  readonly filename: string;
  readonly assetType: string;
  readonly sizeBytes: number;
  /** Until when the bytes can be sent, RFC 3339. */
  readonly expiresAt: string;
  /** Checksum of pieces of the file; null for a stream. */
  readonly sample: string | null;
  /** Size of every part but the last; of the file when it is sent in one request. */
  readonly partBytes: number;
  /** The parts that the store has, from 1. */
  readonly sentParts: readonly number[];
  /** How a file is sent in one request; null when it is sent in parts. */
  readonly request: SingleRequest | null;
}

/** How the bytes are sent in one request: a PUT with headers, or a form with fields. */
export interface SingleRequest {
  readonly method: 'put' | 'post';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly fields: Readonly<Record<string, string>>;
}

/** The state of an upload that was just begun. */
export function firstState(
  instructions: UploadInstructionsJson,
  file: Pick<UploadState, 'filename' | 'assetType' | 'sizeBytes' | 'sample'>,
): UploadState {
  const { method, url = '', headers = {}, fields = {} } = instructions;
  return {
    version: 1,
    uploadId: instructions.upload_id,
    ...{ filename: file.filename, assetType: file.assetType, sizeBytes: file.sizeBytes, sample: file.sample },
    expiresAt: instructions.expires_at,
    partBytes: instructions.part_size_bytes ?? file.sizeBytes,
    sentParts: [],
    request: method === 'multipart' ? null : { method, url, headers, fields },
  };
}

/** How many parts the upload has; one for a file in one request. */
export function partCountOf({ sizeBytes, partBytes }: Pick<UploadState, 'sizeBytes' | 'partBytes'>): number {
  return Math.ceil(sizeBytes / partBytes);
}

/** Where a part lies in the file. */
export function partRange(
  { sizeBytes, partBytes }: Pick<UploadState, 'sizeBytes' | 'partBytes'>,
  partNumber: number,
): { readonly offset: number; readonly sizeBytes: number } {
  const offset = (partNumber - 1) * partBytes;
  return { offset, sizeBytes: Math.min(partBytes, sizeBytes - offset) };
}

/**
 * Reads a state that was kept, as an object or as JSON.
 *
 * @throws StowageClientError `invalid_state`.
 */
export function parseUploadState(kept: unknown): UploadState {
  const state = (typeof kept === 'string' ? jsonIn(kept) : kept) as Partial<UploadState> | null | undefined;
  const isState =
    typeof state === 'object' &&
    state !== null &&
    state.version === 1 &&
    [state.uploadId, state.filename, state.assetType, state.expiresAt].every(isText) &&
    isCount(state.sizeBytes) &&
    isCount(state.partBytes) &&
    (state.sample === null || isText(state.sample)) &&
    Array.isArray(state.sentParts) &&
    state.sentParts.every(isCount) &&
    isRequest(state.request);
  if (isState) return state as UploadState;
  throw new StowageClientError('invalid_state', 'What was kept is no state of an upload.');
}

function isRequest(request: Partial<SingleRequest> | null | undefined): boolean {
  if (request === null) return true;
  return (
    typeof request === 'object' &&
    (request.method === 'put' || request.method === 'post') &&
    isText(request.url) &&
    isTexts(request.headers) &&
    isTexts(request.fields)
  );
}

function isTexts(record: unknown): boolean {
  return typeof record === 'object' && record !== null && Object.values(record).every(isText);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 1;
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
