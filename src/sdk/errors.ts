import type { ERROR_TRAITS } from '../core/errors.ts';
import type { ProblemJson } from '../protocol/index.ts';
import type { HttpAnswer } from './transport.ts';
import type { UploadState } from './upload-state.ts';

type Traits = typeof ERROR_TRAITS;

/** The codes that the service answers with. */
export type ServiceErrorCode = {
  [Code in keyof Traits]: Traits[Code] extends { readonly publicCode: string } ? never : Code;
}[keyof Traits];

/** The codes of failures that no answer of the service tells. */
export type LocalErrorCode =
  /** The call was ended by its AbortSignal. */
  | 'aborted'
  /** No answer: no connection, a cut one, or nothing moved for too long. */
  | 'network_error'
  /** The store refused bytes that were sent straight to it. */
  | 'store_refused'
  /** An answer that is not the service's: of a proxy, or of something else at this address. */
  | 'unexpected_answer'
  /** The file is not the one that the upload was begun with, or changed while it was read. */
  | 'source_changed'
  /** The bytes to be sent could not be read; `cause` says why. */
  | 'source_unreadable'
  /** A stream of unknown size that is too large to be kept in memory: `sizeBytes` must be given. */
  | 'size_required'
  /** What was given to `resume` is no state of an upload. */
  | 'invalid_state';

/** Every code of a failure. A newer service may have codes that this client does not know. */
export type ClientErrorCode = ServiceErrorCode | LocalErrorCode | (string & Record<never, never>);

interface ErrorFacts {
  readonly cause?: unknown;
  readonly status?: number;
  readonly requestId?: string | null;
  readonly retryAfterSeconds?: number | null;
  readonly isRetryable?: boolean;
  readonly problem?: Partial<ProblemJson>;
  readonly upload?: UploadState | null;
}

/** A call that failed. Decide by `code`; the message is a sentence for people. */
export class StowageClientError extends Error {
  override readonly name = 'StowageClientError';
  readonly code: ClientErrorCode;
  /** HTTP status of the answer; null when there was none. */
  readonly status: number | null;
  /** Name of the request in the service's log; null when unknown. */
  readonly requestId: string | null;
  /** When to try again, in seconds; null when the answer did not say. */
  readonly retryAfterSeconds: number | null;
  /** Whether the same call may succeed later. The client has tried as often as it was told to. */
  readonly isRetryable: boolean;
  /** The file of several that was refused. */
  readonly filename: string | null;
  /** The media type that was declared. */
  readonly declared: string | null;
  /** The extension of the file's name. */
  readonly extension: string | null;
  /** The media type that the content shows. */
  readonly detected: string | null;
  /** The limit that was passed, in bytes. */
  readonly limitBytes: number | null;
  /** The parameter or field at fault. */
  readonly parameter: string | null;
  /** The upload that is still open at the service, to be given to `resume`; null when there is none. */
  readonly upload: UploadState | null;

  constructor(code: ClientErrorCode, message: string, facts: ErrorFacts = {}) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    const { problem = {} } = facts;
    this.code = code;
    this.status = facts.status ?? null;
    this.requestId = facts.requestId ?? null;
    this.retryAfterSeconds = facts.retryAfterSeconds ?? null;
    this.isRetryable = facts.isRetryable ?? false;
    this.filename = problem.filename ?? null;
    this.declared = problem.declared ?? null;
    this.extension = problem.extension ?? null;
    this.detected = problem.detected ?? null;
    this.limitBytes = problem.limit_bytes ?? null;
    this.parameter = problem.parameter ?? null;
    this.upload = facts.upload ?? null;
  }
}

/** Whether `error` is a failure of this client, with the given code when one is named. */
export function isClientError(error: unknown, code?: ClientErrorCode): error is StowageClientError {
  return error instanceof StowageClientError && (code === undefined || error.code === code);
}

/** The failure that an answer of the service tells. */
export function errorOfAnswer(answer: Pick<HttpAnswer, 'status' | 'header' | 'text'>): StowageClientError {
  const problem = problemIn(answer.text);
  const code = problem?.code ?? 'unexpected_answer';
  return new StowageClientError(code, problem?.detail ?? `The answer has the status ${answer.status}.`, {
    ...factsOf(answer),
    ...(problem !== undefined && { problem }),
  });
}

/** The failure that an answer of the store tells; local disk answers as the service does. */
export function errorOfStore(answer: Pick<HttpAnswer, 'status' | 'header' | 'text'>): StowageClientError {
  if (problemIn(answer.text) !== undefined) return errorOfAnswer(answer);
  const facts = factsOf(answer);
  // A store that fails or asks for patience may take the same bytes a moment later.
  const isRetryable = facts.isRetryable || answer.status >= 500 || answer.status === 429;
  return new StowageClientError('store_refused', `The store answered with the status ${answer.status}.`, {
    ...facts,
    isRetryable,
  });
}

/** The failure of a call that its caller ended. */
export function abortedError(signal: AbortSignal): StowageClientError {
  return new StowageClientError('aborted', 'The call was aborted.', { cause: signal.reason });
}

/** The same failure, with the upload that can be resumed. */
export function withUpload(error: unknown, upload: UploadState): unknown {
  if (!isClientError(error)) return error;
  const { status, requestId, retryAfterSeconds, isRetryable } = error;
  const { filename, declared, extension, detected, limitBytes, parameter } = error;
  return new StowageClientError(error.code, error.message, {
    ...{ cause: error.cause ?? error, requestId, retryAfterSeconds, isRetryable, upload },
    ...(status !== null && { status }),
    problem: {
      ...(filename !== null && { filename }),
      ...(declared !== null && { declared }),
      ...(extension !== null && { extension }),
      ...(detected !== null && { detected }),
      ...(limitBytes !== null && { limit_bytes: limitBytes }),
      ...(parameter !== null && { parameter }),
    },
  });
}

function factsOf({ status, header }: Pick<HttpAnswer, 'status' | 'header'>) {
  const retryAfter = header('retry-after');
  const seconds = retryAfter !== null && /^\d{1,9}$/.test(retryAfter) ? Number(retryAfter) : null;
  return {
    status,
    requestId: header('x-request-id'),
    retryAfterSeconds: seconds,
    // With Retry-After the service itself says that the same call may succeed.
    isRetryable: seconds !== null || status === 408 || (status >= 502 && status <= 504),
  };
}

function problemIn(text: string): (Partial<ProblemJson> & { readonly code: string }) | undefined {
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body !== 'object' || body === null) return undefined;
    return 'code' in body && typeof body.code === 'string'
      ? (body as Partial<ProblemJson> & { readonly code: string })
      : undefined;
  } catch {
    return undefined;
  }
}
