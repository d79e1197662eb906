import { abortedError, type ErrorCode, StowageError } from '../../core/errors.ts';
import { readElement } from '../xml.ts';

/** What the store said, for the log only: nothing of it reaches a client. */
export class GcsFailure extends Error {
  override readonly name = 'GcsFailure';
  readonly status: number;
  /** The store's own word: a `reason` of the JSON API or a `Code` of the XML API. */
  readonly reason: string;

  constructor(status: number, reason: string, message: string) {
    super(`${status} ${reason}: ${message}`);
    this.status = status;
    this.reason = reason;
  }
}

const REASONS: Readonly<Record<string, ErrorCode>> = {
  // Of the JSON API. Quota is refused with 403 as well as with 429.
  conditionNotMet: 'object_exists',
  requestedRangeNotSatisfiable: 'range_not_satisfiable',
  rateLimitExceeded: 'storage_unavailable',
  userRateLimitExceeded: 'storage_unavailable',
  backendError: 'storage_unavailable',
  // Of the XML API.
  NoSuchKey: 'object_not_found',
  NoSuchUpload: 'object_not_found',
  NoSuchBucket: 'storage_denied',
  InvalidRange: 'range_not_satisfiable',
  PreconditionFailed: 'object_exists',
  InvalidPart: 'conflict',
  InvalidPartOrder: 'conflict',
  EntityTooSmall: 'conflict',
  BadDigest: 'digest_mismatch',
  SlowDown: 'storage_unavailable',
};

const STATUSES: Readonly<Record<number, ErrorCode>> = {
  404: 'object_not_found',
  408: 'storage_unavailable',
  410: 'object_not_found',
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
export function translateAnswer(status: number, body: string): StowageError {
  const { reason, message } = readFailure(body);
  const code = codeOf(status, reason, message);
  return storeError(code, new GcsFailure(status, reason, message));
}

/** Turns a failed connection, a time-out or a cut answer into a StowageError; a fired signal wins. */
export function translateFault(error: unknown, signal: AbortSignal | undefined): StowageError {
  if (error instanceof StowageError) return error;
  if (signal?.aborted) return abortedError(signal);
  return storeError('storage_unavailable', error);
}

/**
 * Turns a failure to get a token or a signature into a StowageError: what the network or a busy server caused passes;
 * anything else, as a missing key file or a key that was revoked, needs the operator.
 */
export function translateIdentityFault(error: unknown): StowageError {
  if (error instanceof StowageError) return error;
  const { status, code } = error as { status?: unknown; code?: unknown };
  const passes =
    (typeof status === 'number' && (status >= 500 || status === 429)) ||
    ['ECONNREFUSED', 'ECONNRESET', 'EAI_AGAIN', 'ENOTFOUND', 'ETIMEDOUT'].includes(String(code));
  return storeError(passes ? 'storage_unavailable' : 'storage_denied', error);
}

/** A StowageError in the words that every failure of this store has. */
export function storeError(code: ErrorCode, cause: unknown): StowageError {
  const fields = code === 'storage_unavailable' ? { retry_after_seconds: 5 } : {};
  return new StowageError(code, SENTENCES[code] ?? 'The store failed.', { cause, fields });
}

function codeOf(status: number, reason: string, message: string): ErrorCode {
  const known = REASONS[reason];
  if (known !== undefined) return known;
  // The JSON API has one reason for a missing object and a missing bucket: only its sentence tells them apart.
  if (status === 404 && /bucket does not exist/i.test(message)) return 'storage_denied';
  if (status === 400 && /doesn't match calculated/i.test(message)) return 'digest_mismatch';
  // Any other 4xx means that we sent something this store does not take: a bug or a setting, not an outage.
  return STATUSES[status] ?? (status >= 500 ? 'storage_unavailable' : 'storage_denied');
}

function readFailure(body: string): { reason: string; message: string } {
  if (!body.startsWith('{'))
    return { reason: readElement(body, 'Code') ?? '', message: readElement(body, 'Message') ?? '' };
  try {
    const { error } = JSON.parse(body) as {
      error?: { message?: string; errors?: readonly { reason?: string }[] };
    };
    return { reason: error?.errors?.[0]?.reason ?? '', message: error?.message ?? '' };
  } catch {
    return { reason: '', message: '' };
  }
}
