import type { UploadAllowance } from '../catalog/catalog.ts';
import { UPLOAD_WINDOW_SECONDS } from '../uploads/allowance.ts';

/** What is left of the upload limit: the headers that clients know, and those of the coming standard. */
export function rateLimitHeaders(allowance: UploadAllowance): Record<string, string> {
  const { limit, remaining, resetSeconds } = allowance;
  return {
    'ratelimit-limit': String(limit),
    'ratelimit-remaining': String(remaining),
    'ratelimit-reset': String(resetSeconds),
    ratelimit: `"files";r=${remaining};t=${resetSeconds}`,
    'ratelimit-policy': `"files";q=${limit};w=${UPLOAD_WINDOW_SECONDS}`,
  };
}
