import type { SuccessAnswer } from './route.ts';

/** What routes that send an asset's bytes answer. */
export const CONTENT_ANSWER = {
  status: 200,
  description: 'The content.',
  mediaType: '*/*',
  others: { 206: 'The part that Range asked for.', 304: 'The client has the content already.' },
} as const satisfies Partial<SuccessAnswer>;
