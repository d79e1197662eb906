import { abortedError, type ErrorCode, StowageError } from '../core/errors.ts';

/**
 * What a store said, or how its connection failed: the `cause` of every failure of a cloud. It is for the log only.
 * Nothing of it reaches a client, and no request with its secrets is kept.
 */
export class StoreFailure extends Error {
  override readonly name = 'StoreFailure';
  /** Status of the store's answer; 0 when there was none. */
  readonly status: number;
  /** The store's own word, for example `SlowDown`, or the system's, for example `ECONNRESET`. */
  readonly storeCode: string;
  /** By what the provider's support finds the request; null when the answer named none. */
  readonly storeRequestId: string | null;
  /** How often the call was made in all. */
  attempts = 1;

  constructor(status: number, storeCode: string, message: string, storeRequestId: string | null = null) {
    super(`${status} ${storeCode}: ${firstLine(message)}`);
    this.status = status;
    this.storeCode = storeCode;
    this.storeRequestId = storeRequestId;
  }
}

/**
 * The code of an answer whose store has no better word for it. A 4xx that nobody knows means that we sent something
 * this store does not take: a bug or a setting, which the operator mends and no repetition does.
 */
export function codeOfStatus(status: number): ErrorCode {
  return STATUSES[status] ?? (status >= 500 ? 'storage_unavailable' : 'storage_denied');
}

const STATUSES: Readonly<Record<number, ErrorCode>> = {
  404: 'object_not_found',
  408: 'storage_slow',
  412: 'object_exists',
  416: 'range_not_satisfiable',
  429: 'storage_unavailable',
  504: 'storage_slow',
};

/** Turns a failed connection, a passed deadline or a cut answer into a StowageError; a fired signal wins. */
export function translateFault(error: unknown, signal: AbortSignal | undefined): StowageError {
  if (error instanceof StowageError) return error;
  if (signal?.aborted) return abortedError(signal);
  const failure = connectionFailure(error);
  return storeError(SLOW.has(failure.storeCode) ? 'storage_slow' : 'storage_unavailable', failure);
}

/** A failure without an answer, in few words: what libraries throw may hold the request and its secrets. */
export function connectionFailure(error: unknown): StoreFailure {
  if (!(error instanceof Error))
    return new StoreFailure(0, 'unknown', 'Something that is no error was thrown.');
  const root = innermost(error);
  const { code } = root as Error & { readonly code?: unknown };
  return new StoreFailure(0, typeof code === 'string' ? code : root.name, root.message || error.message);
}

/** Faults that mean "not in time", by the names that the system and the libraries give them. */
const SLOW: ReadonlySet<string> = new Set([
  'ETIMEDOUT',
  'ESOCKETTIMEDOUT',
  'TimeoutError',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
]);

/** The error of a deadline of ours that has passed, for {@link translateFault}. */
export function deadlineError(what: string): Error {
  return Object.assign(new Error(what), { code: 'ETIMEDOUT' });
}

/** A StowageError in the words that every failure of a cloud has: they name no provider. */
export function storeError(code: ErrorCode, cause: unknown): StowageError {
  const isPassing = code === 'storage_unavailable' || code === 'storage_slow';
  const fields = isPassing ? { retry_after_seconds: RETRY_AFTER_SECONDS } : {};
  return new StowageError(code, SENTENCES[code] ?? 'The store failed.', { cause, fields });
}

/** When a client should ask again after an outage that nobody can foresee the end of. */
const RETRY_AFTER_SECONDS = 5;

const SENTENCES: Partial<Record<ErrorCode, string>> = {
  object_not_found: 'The object was not found.',
  object_exists: 'The object exists already.',
  range_not_satisfiable: 'The range starts at or after the end of the object.',
  conflict: 'The parts do not form an object.',
  digest_mismatch: 'The store received other bytes than were sent.',
  storage_denied: 'The store refused Stowage: its credentials, clock or bucket settings need the operator.',
  storage_unavailable: 'The store does not answer properly; try again in a moment.',
  storage_slow: 'The store did not answer in time; try again in a moment.',
};

// fetch-like clients wrap the system's error once or twice; a name with several addresses has one error for each.
function innermost(error: Error): Error {
  let found = error;
  for (let depth = 0; depth < 4; depth++) {
    const [first] = found instanceof AggregateError ? (found.errors as unknown[]) : [];
    const inner = found.cause instanceof Error ? found.cause : first;
    if (!(inner instanceof Error)) return found;
    found = inner;
  }
  return found;
}

function firstLine(text: string): string {
  return text.split('\n', 1).join('').slice(0, 300);
}
