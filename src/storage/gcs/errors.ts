import { type ErrorCode, StowageError } from '../../core/errors.ts';
import { codeOfStatus, connectionFailure, StoreFailure, storeError } from '../faults.ts';
import { readElement } from '../xml.ts';

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

/** Turns an answer of the store that is no success into a StowageError. */
export function translateAnswer(
  status: number,
  body: string,
  storeRequestId: string | null = null,
): StowageError {
  const { reason, message } = readFailure(body);
  const code = codeOf(status, reason, message);
  return storeError(code, new StoreFailure(status, reason, message, storeRequestId));
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
  const failure = connectionFailure(error);
  return storeError(passes ? 'storage_unavailable' : 'storage_denied', failure);
}

function codeOf(status: number, reason: string, message: string): ErrorCode {
  const known = REASONS[reason];
  if (known !== undefined) return known;
  // The JSON API has one reason for a missing object and a missing bucket: only its sentence tells them apart.
  if (status === 404 && /bucket does not exist/i.test(message)) return 'storage_denied';
  if (status === 400 && /doesn't match calculated/i.test(message)) return 'digest_mismatch';
  return status === 410 ? 'object_not_found' : codeOfStatus(status);
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
