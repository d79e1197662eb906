import { RATE_LIMIT_HEADERS } from './rate-limit-headers.ts';
import type { HeaderFacts } from './route.ts';

/** When to ask again. */
export const RETRY_AFTER = {
  'Retry-After': {
    description: 'Seconds after which to ask again.',
    schema: { type: 'integer', minimum: 0 },
  },
} as const satisfies HeaderFacts;

const RETRY_AFTER_IF_IT_HELPS = {
  'Retry-After': {
    ...RETRY_AFTER['Retry-After'],
    description: 'Seconds after which to ask again; only where waiting helps.',
  },
} as const satisfies HeaderFacts;

/** Headers of problems, by status. */
export const ERROR_HEADERS: Readonly<Record<number, HeaderFacts>> = {
  401: {
    'WWW-Authenticate': { description: 'The scheme of the tokens.', schema: { type: 'string' } },
    ...RETRY_AFTER_IF_IT_HELPS,
  },
  409: RETRY_AFTER_IF_IT_HELPS,
  416: {
    'Content-Range': {
      description: 'How large the content is: `bytes */size`.',
      schema: { type: 'string' },
    },
  },
  429: { ...RETRY_AFTER, ...RATE_LIMIT_HEADERS },
  503: RETRY_AFTER,
};
