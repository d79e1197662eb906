import type { HeaderFacts, SuccessAnswer } from './route.ts';

const VALIDATORS = {
  ETag: { description: 'The SHA-256 of the content.', schema: { type: 'string' } },
  'Accept-Ranges': { description: 'That parts can be asked for.', schema: { const: 'bytes' } },
} as const satisfies HeaderFacts;

const CONTENT_RANGE = {
  'Content-Range': {
    description: 'Which part it is, and of how much: `bytes first-last/size`.',
    schema: { type: 'string' },
  },
} as const satisfies HeaderFacts;

/** What routes that send an asset's bytes answer. */
export const CONTENT_ANSWER = {
  status: 200,
  description: 'The content.',
  mediaType: '*/*',
  others: { 206: 'The part that Range asked for.', 304: 'The client has the content already.' },
  headers: { 200: VALIDATORS, 206: { ...VALIDATORS, ...CONTENT_RANGE }, 304: VALIDATORS },
} as const satisfies Partial<SuccessAnswer>;

/** What they read of a request. */
export const CONTENT_REQUEST_HEADERS = {
  Range: { description: 'One range of bytes, as in `bytes=0-1023`.', schema: { type: 'string' } },
  'If-Range': {
    description: 'An ETag: the range counts only while the content has it.',
    schema: { type: 'string' },
  },
  'If-None-Match': {
    description: 'ETags that the client has: 304 when the content has one of them.',
    schema: { type: 'string' },
  },
} as const satisfies HeaderFacts;
