import {
  ERROR_TRAITS,
  type ErrorCode,
  type ErrorFields,
  isStowageError,
  StowageError,
} from '../core/errors.ts';
import type { ProblemJson } from '../protocol/index.ts';

/** Seconds after which a client should ask again when nobody knows better. */
const RETRY_AFTER_SECONDS = 5;

/** Codes that mean our side failed: what exactly is in the log, the client gets one sentence. */
const OUR_FAULT: Readonly<Partial<Record<ErrorCode, string>>> = {
  internal_error: 'Something went wrong here. The request id leads to it in the log.',
  storage_unavailable: 'The store cannot be reached at the moment.',
  database_unavailable: 'The database cannot be reached at the moment.',
};

/** The same for a file that the store has and can't give as it was stored: to ask again soon is of no use. */
const DAMAGED = {
  detail: 'The stored file is damaged. Whoever runs this service finds it in the log and can restore it.',
  retryAfterSeconds: 3600,
} as const;

/** A failure as it is answered. */
export interface Problem {
  readonly status: number;
  readonly body: ProblemJson;
  readonly headers: Readonly<Record<string, string>>;
}

/** Where a code is explained, relative to the service. */
export function problemType(code: ErrorCode): string {
  return `/api/docs#error-${code}`;
}

/** The code a client sees. */
export function publicCodeOf(error: unknown): ErrorCode {
  if (!isStowageError(error)) return 'internal_error';
  const publicCode = error.traits.publicCode ?? error.code;
  return isErrorCode(publicCode) ? publicCode : 'internal_error';
}

/** Turns any failure into the one shape of errors (RFC 9457). Nothing of an error that is not ours gets out. */
export function problemOf(error: unknown, requestId: string): Problem {
  const code = publicCodeOf(error);
  const { httpStatus, title } = ERROR_TRAITS[code];
  const isDamaged = isStowageError(error, 'object_corrupt');
  const { retry_after_seconds: retryAfter, ...fields } = fieldsOf(error, code);
  const headers: Record<string, string> = {};
  if (retryAfter !== undefined || httpStatus === 429 || httpStatus === 503)
    headers['retry-after'] = String(
      retryAfter ?? (isDamaged ? DAMAGED.retryAfterSeconds : RETRY_AFTER_SECONDS),
    );
  if (httpStatus === 401) headers['www-authenticate'] = 'Bearer realm="stowage"';
  return {
    status: httpStatus,
    headers,
    body: {
      type: problemType(code),
      title,
      status: httpStatus,
      detail: isDamaged
        ? DAMAGED.detail
        : (OUR_FAULT[code] ?? (error instanceof StowageError ? error.message : title)),
      code,
      request_id: requestId,
      error: title,
      ...fields,
    },
  };
}

function fieldsOf(error: unknown, code: ErrorCode): ErrorFields {
  if (!isStowageError(error)) return {};
  if (OUR_FAULT[code] === undefined) return error.fields;
  const { filename, retry_after_seconds } = error.fields;
  return {
    ...(filename === undefined ? {} : { filename }),
    ...(retry_after_seconds === undefined ? {} : { retry_after_seconds }),
  };
}

function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(ERROR_TRAITS, text);
}
