import type { HeaderFacts } from './route.ts';

/** OpenAPI's description of the upload form. */
export const UPLOAD_BODY = {
  required: true,
  content: {
    'multipart/form-data': {
      schema: {
        type: 'object',
        properties: {
          files: {
            type: 'array',
            minItems: 1,
            maxItems: 10,
            items: { type: 'string', contentMediaType: 'application/octet-stream' },
            description: 'The files, one at least; parts named `file` or `files[]` count too.',
          },
          asset_type: {
            type: 'string',
            description: 'The policy they are accepted under; needed unless it comes in the query.',
          },
          sha256: {
            type: 'array',
            items: { type: 'string', pattern: '^[0-9a-fA-F]{64}$' },
            description: "SHA-256 of each file, hex, in the files' order; checked when present.",
          },
          metadata: { type: 'string', description: 'A JSON object, kept with each asset.' },
        },
        additionalProperties: {
          type: 'string',
          description: 'What the key of the asset type needs, for example `project_id`.',
        },
      },
      encoding: {
        files: {
          headers: {
            'Repr-Digest': {
              description:
                'SHA-256 of the file, `sha-256=:base64:` (RFC 9530), in the headers of its part; checked when present.',
              schema: { type: 'string' },
            },
          },
        },
      },
    },
  },
} as const;

/** The headers that say more about an upload. */
export const UPLOAD_REQUEST_HEADERS = {
  'Idempotency-Key': {
    description:
      'Makes it safe to send the form again: the same key and form answer what the first one stored, and nothing is stored twice.',
    schema: { type: 'string', pattern: '^[\\x21-\\x7e]{1,255}$' },
  },
  'Repr-Digest': {
    description: 'SHA-256 of the whole form, `sha-256=:base64:` (RFC 9530); checked when present.',
    schema: { type: 'string' },
  },
} as const satisfies HeaderFacts;
