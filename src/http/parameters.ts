import Type from 'typebox';

/** Longest cursor, in characters. */
const CURSOR_LENGTH_MAX = 1024;

/** How many entries a page may have. */
export const LimitParameter = Type.Integer({
  minimum: 1,
  maximum: 200,
  default: 50,
  description: 'Most entries of the page.',
});

/** Where a page starts. */
export const CursorParameter = Type.Optional(
  Type.String({
    minLength: 1,
    maxLength: CURSOR_LENGTH_MAX,
    description: '`next_cursor` of the page before.',
  }),
);

/** What the id in a path means. */
export const ASSET_PARAMS = { asset_id: 'Id of the asset, a UUID.' } as const;
export const UPLOAD_PARAMS = { upload_id: 'Id of the upload, a UUID.' } as const;
