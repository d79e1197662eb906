/** Every failure a caller can act on. A code names the cause, never the operation. */
export type ErrorCode = keyof typeof ERROR_TRAITS;

/** What a code means to HTTP clients and to retry logic. */
export interface ErrorTraits {
  /** Status of the HTTP answer. */
  readonly httpStatus: number;
  /** Short human title, the same for every occurrence (RFC 9457 `title`). */
  readonly title: string;
  /** Whether the same call may succeed later without a change by the caller. */
  readonly retryable: boolean;
  /** The code a client sees instead, for codes that never leave the server. */
  readonly publicCode?: string;
}

/**
 * The closed set of codes. `docs/reference/errors.md` lists the same set; a test compares the two.
 * Codes with a `publicCode` are internal: HTTP answers carry that one instead.
 */
export const ERROR_TRAITS = {
  invalid_file_type: { httpStatus: 400, title: 'File type not accepted', retryable: false },
  file_type_mismatch: { httpStatus: 400, title: 'File type mismatch', retryable: false },
  suspicious_content: { httpStatus: 400, title: 'Suspicious content', retryable: false },
  empty_file: { httpStatus: 400, title: 'Empty file', retryable: false },
  filename_too_long: { httpStatus: 400, title: 'File name too long', retryable: false },
  invalid_filename: { httpStatus: 400, title: 'Invalid file name', retryable: false },
  too_many_files: { httpStatus: 400, title: 'Too many files', retryable: false },
  missing_field: { httpStatus: 400, title: 'Missing field', retryable: false },
  invalid_parameter: { httpStatus: 400, title: 'Invalid parameter', retryable: false },
  unknown_asset_type: { httpStatus: 400, title: 'Unknown asset type', retryable: false },
  digest_mismatch: { httpStatus: 400, title: 'Digest mismatch', retryable: false },
  malformed_request: { httpStatus: 400, title: 'Malformed request', retryable: false },
  unauthenticated: { httpStatus: 401, title: 'Authentication required', retryable: false },
  forbidden: { httpStatus: 403, title: 'Forbidden', retryable: false },
  not_found: { httpStatus: 404, title: 'Not found', retryable: false },
  conflict: { httpStatus: 409, title: 'Conflict', retryable: false },
  expired: { httpStatus: 410, title: 'Expired', retryable: false },
  file_too_large: { httpStatus: 413, title: 'File too large', retryable: false },
  request_too_large: { httpStatus: 413, title: 'Request too large', retryable: false },
  unsupported_media_type: { httpStatus: 415, title: 'Unsupported media type', retryable: false },
  range_not_satisfiable: { httpStatus: 416, title: 'Range not satisfiable', retryable: false },
  rate_limited: { httpStatus: 429, title: 'Too many requests', retryable: true },
  internal_error: { httpStatus: 500, title: 'Internal error', retryable: false },
  storage_unavailable: { httpStatus: 503, title: 'Storage unavailable', retryable: true },
  database_unavailable: { httpStatus: 503, title: 'Database unavailable', retryable: true },

  object_not_found: { httpStatus: 404, title: 'Not found', retryable: false, publicCode: 'not_found' },
  object_exists: { httpStatus: 409, title: 'Conflict', retryable: false, publicCode: 'conflict' },
  invalid_key: {
    httpStatus: 400,
    title: 'Invalid parameter',
    retryable: false,
    publicCode: 'invalid_parameter',
  },
  object_corrupt: {
    httpStatus: 503,
    title: 'Storage unavailable',
    retryable: false,
    publicCode: 'storage_unavailable',
  },
  capability_missing: {
    httpStatus: 500,
    title: 'Internal error',
    retryable: false,
    publicCode: 'internal_error',
  },
  storage_denied: {
    httpStatus: 503,
    title: 'Storage unavailable',
    retryable: false,
    publicCode: 'storage_unavailable',
  },
  storage_slow: {
    httpStatus: 503,
    title: 'Storage unavailable',
    retryable: true,
    publicCode: 'storage_unavailable',
  },
  aborted: { httpStatus: 499, title: 'Aborted', retryable: false, publicCode: 'malformed_request' },
} as const satisfies Record<string, ErrorTraits>;

/** Facts about one failure that a client may see, by their wire names. */
export interface ErrorFields {
  /** The file of several that was refused. */
  readonly filename?: string;
  /** Media type the client declared. */
  readonly declared?: string;
  /** Extension of the file's name, without the dot. */
  readonly extension?: string;
  /** Media type the content shows. */
  readonly detected?: string;
  /** The limit that was passed, in bytes. */
  readonly limit_bytes?: number;
  /** The parameter or field at fault. */
  readonly parameter?: string;
  /** Seconds after which a retry makes sense. */
  readonly retry_after_seconds?: number;
}

/**
 * A failure with a code. The message is a full sentence that may reach a client: it holds no secret, signed
 * URL, file content, path of the machine or word of a provider. Those belong in `cause`, which is only logged.
 */
export class StowageError extends Error {
  override readonly name = 'StowageError';
  readonly code: ErrorCode;
  readonly fields: ErrorFields;

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; fields?: ErrorFields } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.fields = options.fields ?? {};
  }

  get traits(): ErrorTraits {
    return ERROR_TRAITS[this.code];
  }

  /** The same failure with more facts, for example the name of the file of several it happened to. */
  with(fields: ErrorFields): StowageError {
    return new StowageError(this.code, this.message, {
      cause: this.cause,
      fields: { ...this.fields, ...fields },
    });
  }
}

/** Whether `error` is a StowageError, with the given code when one is named. */
export function isStowageError(error: unknown, code?: ErrorCode): error is StowageError {
  return error instanceof StowageError && (code === undefined || error.code === code);
}

/** Throws the signal's abort as a StowageError `aborted`; does nothing while the signal is quiet. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortedError(signal);
}

/** The StowageError `aborted` for a signal that fired. A StowageError given as the reason is kept. */
export function abortedError(signal: AbortSignal): StowageError {
  if (signal.reason instanceof StowageError) return signal.reason;
  return new StowageError('aborted', 'The operation was aborted.', { cause: signal.reason });
}
