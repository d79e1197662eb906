import { type ErrorCode, StowageError } from '../../core/errors.ts';
import { codeOfStatus, connectionFailure, StoreFailure, storeError } from '../faults.ts';
import { readElement } from '../xml.ts';

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
  RequestTimeout: 'storage_slow',
  OperationAborted: 'storage_unavailable',
  NoSuchBucket: 'storage_denied',
  AccessDenied: 'storage_denied',
  InvalidAccessKeyId: 'storage_denied',
  SignatureDoesNotMatch: 'storage_denied',
  ExpiredToken: 'storage_denied',
  RequestTimeTooSkewed: 'storage_denied',
};

/** Words that say that the credentials are over, not wrong: newer ones may do. */
const EXPIRED: ReadonlySet<string> = new Set([
  'ExpiredToken',
  'ExpiredTokenException',
  'TokenRefreshRequired',
]);

/** What is told of an answer besides its status and body. */
export interface AnswerFacts {
  readonly storeRequestId: string | null;
  /** The store's clock, as its Date header says it. */
  readonly date?: string | null;
}

/** Turns an answer of the store that is no success into a StowageError. */
export function translateAnswer(status: number, body: string, facts: AnswerFacts): StowageError {
  const s3Code = readElement(body, 'Code') ?? '';
  const message = readElement(body, 'Message') ?? '';
  // The operator's question is by how much: the store's own time is in the answer.
  const told =
    s3Code === 'RequestTimeTooSkewed' ? `${message} (its clock: ${facts.date ?? 'unknown'})` : message;
  const failure = new StoreFailure(status, s3Code, told, facts.storeRequestId);
  return storeError(CODES[s3Code] ?? codeOfStatus(status), failure);
}

/** Whether a failure may pass with newer credentials. A HEAD has no body that says so, only its 400. */
export function isExpiry(error: unknown): boolean {
  if (!(error instanceof StowageError) || !(error.cause instanceof StoreFailure)) return false;
  const { status, storeCode } = error.cause;
  return EXPIRED.has(storeCode) || (status === 400 && storeCode === '');
}

/**
 * Turns a failure to get credentials into a StowageError. What the network or a busy service caused passes; anything
 * else, as a machine without a role or a role that may not be taken, needs the operator.
 */
export function translateCredentialsFault(error: unknown): StowageError {
  if (error instanceof StowageError) return error;
  const { $metadata: metadata } = error as { readonly $metadata?: { readonly httpStatusCode?: number } };
  const { statusCode } = error as { readonly statusCode?: number };
  const status = metadata?.httpStatusCode ?? statusCode ?? 0;
  const failure = connectionFailure(error);
  const passes = status >= 500 || status === 429 || PASSING.has(failure.storeCode);
  return storeError(
    passes ? 'storage_unavailable' : 'storage_denied',
    new StoreFailure(status, failure.storeCode, error instanceof Error ? error.message : '', null),
  );
}

const PASSING: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EAI_AGAIN',
  'ENOTFOUND',
  'ETIMEDOUT',
  'TimeoutError',
]);
