import { abortedError, type ErrorCode, StowageError } from '../../core/errors.ts';

/** What the store said, for the log only: nothing of it reaches a client, and no request with its secrets is kept. */
export class AzureFailure extends Error {
  override readonly name = 'AzureFailure';
  readonly status: number;
  /** The store's own code, for example `ServerBusy`. */
  readonly azureCode: string;
  readonly storeRequestId: string | null;

  constructor(status: number, azureCode: string, message: string, storeRequestId: string | null) {
    super(`${status} ${azureCode}: ${message}`);
    this.status = status;
    this.azureCode = azureCode;
    this.storeRequestId = storeRequestId;
  }
}

const CODES: Readonly<Record<string, ErrorCode>> = {
  BlobNotFound: 'object_not_found',
  ContainerNotFound: 'storage_denied',
  ContainerBeingDeleted: 'storage_unavailable',
  InvalidRange: 'range_not_satisfiable',
  BlobAlreadyExists: 'object_exists',
  ConditionNotMet: 'object_exists',
  UnauthorizedBlobOverwrite: 'object_exists',
  InvalidBlockList: 'conflict',
  InvalidBlockId: 'conflict',
  InvalidBlobOrBlock: 'conflict',
  LeaseIdMissing: 'conflict',
  Md5Mismatch: 'digest_mismatch',
  Crc64Mismatch: 'digest_mismatch',
  ServerBusy: 'storage_unavailable',
  OperationTimedOut: 'storage_unavailable',
};

const STATUSES: Readonly<Record<number, ErrorCode>> = {
  404: 'object_not_found',
  408: 'storage_unavailable',
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
export function translateAnswer(failure: AzureFailure): StowageError {
  return storeError(
    CODES[failure.azureCode] ?? STATUSES[failure.status] ?? fallback(failure.status),
    failure,
  );
}

/** Turns whatever the client library threw into a StowageError; a fired signal wins. */
export function translateFault(error: unknown, signal: AbortSignal | undefined): StowageError {
  if (error instanceof StowageError) return error;
  if (signal?.aborted) return abortedError(signal);
  if (!(error instanceof Error)) return storeError('storage_unavailable', undefined);
  const facts = error as Error & AnswerFacts;
  if (facts.statusCode !== undefined) return translateAnswer(failureOf(facts, facts.statusCode));
  // No token: a setting of the machine or the account, which the operator mends.
  const isDenied = /^(?:CredentialUnavailable|Authentication|AggregateAuthentication)/.test(error.name);
  const cause = new AzureFailure(0, facts.code ?? error.name, firstLine(error.message), null);
  return storeError(isDenied ? 'storage_denied' : 'storage_unavailable', cause);
}

/** The store's own code of a failure; null when the failure is no answer of the store. */
export function azureCodeOf(error: unknown): string | null {
  const cause = error instanceof StowageError ? error.cause : null;
  return cause instanceof AzureFailure ? cause.azureCode : null;
}

/** What the library's error carries of an answer. */
interface AnswerFacts {
  readonly statusCode?: number;
  readonly code?: string;
  readonly response?: { readonly headers?: { get(name: string): string | undefined } };
}

function failureOf(error: Error & AnswerFacts, status: number): AzureFailure {
  const header = (name: string): string | undefined => error.response?.headers?.get(name);
  const code = header('x-ms-error-code') ?? error.code ?? '';
  return new AzureFailure(status, code, firstLine(error.message), header('x-ms-request-id') ?? null);
}

function firstLine(text: string): string {
  return text.split('\n', 1).join('').slice(0, 300);
}

// 4xx that we don't know means that we sent something this store does not take: a bug or a setting, not an outage.
function fallback(status: number): ErrorCode {
  return status >= 500 ? 'storage_unavailable' : 'storage_denied';
}

function storeError(code: ErrorCode, cause: unknown): StowageError {
  const fields = code === 'storage_unavailable' ? { retry_after_seconds: 5 } : {};
  return new StowageError(code, SENTENCES[code] ?? 'The store failed.', { cause, fields });
}
