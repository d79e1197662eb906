import type { UploadAllowance } from '../catalog/catalog.ts';
import { UPLOAD_WINDOW_SECONDS } from '../uploads/allowance.ts';
import type { HeaderFacts } from './route.ts';

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

/** What OpenAPI says of them. */
export const RATE_LIMIT_HEADERS = {
  'RateLimit-Limit': {
    description: 'How many files a user may upload in a window of an hour.',
    schema: { type: 'integer' },
  },
  'RateLimit-Remaining': { description: 'How many of them are left.', schema: { type: 'integer' } },
  'RateLimit-Reset': { description: 'Seconds until the window ends.', schema: { type: 'integer' } },
  RateLimit: {
    description: 'What is left and for how long, as in `"files";r=99;t=3600`.',
    schema: { type: 'string' },
  },
  'RateLimit-Policy': { description: 'The limit, as in `"files";q=100;w=3600`.', schema: { type: 'string' } },
} as const satisfies HeaderFacts;
