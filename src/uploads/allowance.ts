import type { UploadAllowance } from '../catalog/catalog.ts';
import { StowageError } from '../core/errors.ts';

/** Length of the window in seconds: uploads are counted per hour. */
export const UPLOAD_WINDOW_SECONDS = 3600;

/** The `cause` of `rate_limited`: what the RateLimit headers say. */
class AllowanceSpent {
  readonly allowance: UploadAllowance;

  constructor(allowance: UploadAllowance) {
    this.allowance = allowance;
  }
}

/** The refusal of an owner whose window is used up, or has less left than a request brings. */
export function rateLimitedError(allowance: UploadAllowance): StowageError {
  return new StowageError('rate_limited', limitWords(allowance), {
    cause: new AllowanceSpent(allowance),
    fields: { retry_after_seconds: allowance.resetSeconds },
  });
}

function limitWords({ limit, remaining }: UploadAllowance): string {
  if (remaining < 1) return `The limit of ${limit} files in the running window is reached.`;
  if (remaining < limit)
    return `The request has more files than the limit of ${limit} leaves in the running window: ${remaining}.`;
  return `The request has more files than the limit allows at all: ${limit} in a window. Waiting does not help, sending fewer does.`;
}

/** The allowance behind a `rate_limited` error, for the RateLimit headers; undefined for any other error. */
export function spentAllowance(error: unknown): UploadAllowance | undefined {
  return error instanceof StowageError && error.cause instanceof AllowanceSpent
    ? error.cause.allowance
    : undefined;
}
