import { abortedError, type ErrorCode, StowageError } from '../../core/errors.ts';
import { readElement } from '../xml.ts';

/** What the store said, for the log only: nothing of it reaches a client. */
export class S3Failure extends Error {
  override readonly name = 'S3Failure';
  readonly status: number;
  /** The store's own code, for example `SlowDown`. */
  readonly s3Code: string;
  readonly storeRequestId: string | null;

  constructor(status: number, s3Code: string, message: string, storeRequestId: string | null) {
    super(`${status} ${s3Code}: ${message}`);
    this.status = status;
    this.s3Code = s3Code;
    this.storeRequestId = storeRequestId;
  }
}

const CODES: Readonly<Record<string, ErrorCode>> = {
  NoSuchKey: 'object_not_found',
  NotFound: 'object_not_found',
  InvalidRange: 'range_not_satisfiable',
  PreconditionFailed: 'object_exists',
  ConditionalRequestConflict: 'object_exists',
  NoSuchUpload: 'conflict',
  InvalidPart: 'conflict',
  InvalidPartOrder: 'conflict',
  EntityTooSmall: 'conflict',
  BadDigest: 'digest_mismatch',
  XAmzContentSHA256Mismatch: 'digest_mismatch',
  SlowDown: 'storage_unavailable',
  RequestTimeout: 'storage_unavailable',
  OperationAborted: 'storage_unavailable',
  NoSuchBucket: 'storage_denied',
  AccessDenied: 'storage_denied',
  InvalidAccessKeyId: 'storage_denied',
  SignatureDoesNotMatch: 'storage_denied',
  ExpiredToken: 'storage_denied',
  RequestTimeTooSkewed: 'storage_denied',
};

const STATUSES: Readonly<Record<number, ErrorCode>> = {
  404: 'object_not_found',
  412: 'object_exists',
  416: 'range_not_satisfiable',
  429: 'storage_unavailable',
};

const SENTENCES: Partial<Record<ErrorCode, string>> = {
  object_not_found: 'The object was not found.',
  object_exists: 'The object exists already.',
  range_not_satisfiable: 'The range starts at or after the end of the object.',
  conflict: 'The parts do not form an object.',
  digest_mismatch: 'The store received other bytes than were sent.',
  storage_denied: 'The store refused Stowage: its credentials, clock or bucket settings need the operator.',
  storage_unavailable: 'The store does not answer properly; try again in a moment.',
};

/** Turns an answer of the store that is no success into a StowageError. */
export function translateAnswer(status: number, body: string, storeRequestId: string | null): StowageError {
  const s3Code = readElement(body, 'Code') ?? '';
  const failure = new S3Failure(status, s3Code, readElement(body, 'Message') ?? '', storeRequestId);
  const code =
    CODES[s3Code] ??
    STATUSES[status] ??
    (status === 401 || status === 403 ? 'storage_denied' : fallback(status));
  return storeError(code, failure);
}

// 4xx that we don't know means that we sent something this store does not take: a bug or a setting, not an outage.
function fallback(status: number): ErrorCode {
  return status >= 500 ? 'storage_unavailable' : 'storage_denied';
}

/** Turns a failed connection, a time-out or a cut answer into a StowageError; a fired signal wins. */
export function translateFault(error: unknown, signal: AbortSignal | undefined): StowageError {
  if (error instanceof StowageError) return error;
  if (signal?.aborted) return abortedError(signal);
  return storeError('storage_unavailable', error);
}

function storeError(code: ErrorCode, cause: unknown): StowageError {
  const fields = code === 'storage_unavailable' ? { retry_after_seconds: 5 } : {};
  return new StowageError(code, SENTENCES[code] ?? 'The store failed.', { cause, fields });
}
