import { abortedError, type ErrorCode, StowageError } from '../../core/errors.ts';
import {
  codeOfStatus,
  StoreFailure,
  storeError,
  translateFault as translateConnectionFault,
} from '../faults.ts';

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
  OperationTimedOut: 'storage_slow',
};

/** Turns an answer of the store that is no success into a StowageError. */
export function translateAnswer(failure: StoreFailure): StowageError {
  return storeError(CODES[failure.storeCode] ?? codeOfStatus(failure.status), failure);
}

/** Turns whatever the client library threw into a StowageError; a fired signal wins. */
export function translateFault(error: unknown, signal: AbortSignal | undefined): StowageError {
  if (error instanceof StowageError) return error;
  if (signal?.aborted) return abortedError(signal);
  const facts = error as AnswerFacts;
  // A success that can't be read was cut off on its way.
  if (error instanceof Error && facts.statusCode !== undefined && facts.statusCode < 300)
    return storeError('storage_unavailable', failureOf(error, facts, facts.statusCode));
  if (error instanceof Error && facts.statusCode !== undefined)
    return translateAnswer(failureOf(error, facts, facts.statusCode));
  // No token: a setting of the machine or the account, which the operator mends.
  if (error instanceof Error && NO_TOKEN.test(error.name))
    return storeError('storage_denied', new StoreFailure(0, error.name, error.message));
  return translateConnectionFault(error, signal);
}

const NO_TOKEN = /^(?:CredentialUnavailable|Authentication|AggregateAuthentication)/;

/** The store's own code of a failure; null when the failure is no answer of the store. */
export function azureCodeOf(error: unknown): string | null {
  const cause = error instanceof StowageError ? error.cause : null;
  return cause instanceof StoreFailure ? cause.storeCode : null;
}

/** What the library's error carries of an answer. */
interface AnswerFacts {
  readonly statusCode?: number;
  readonly code?: string;
  readonly response?: { readonly headers?: { get(name: string): string | undefined } };
}

function failureOf(error: Error, facts: AnswerFacts, status: number): StoreFailure {
  const header = (name: string): string | undefined => facts.response?.headers?.get(name);
  const code = header('x-ms-error-code') ?? facts.code ?? '';
  return new StoreFailure(status, code, error.message, header('x-ms-request-id') ?? null);
}
