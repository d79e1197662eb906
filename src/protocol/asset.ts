import Type, { type Static } from 'typebox';
import { JsonObject, nullable, Timestamp, Uuid } from './types.ts';

/** A stored file and its record, as clients see it. */
export const AssetSchema = Type.Object(
  {
    asset_id: Uuid('Name of the asset for every later request.'),
    asset_type: Type.String({ description: 'The policy it was accepted under.' }),
    filename: Type.String({ description: 'The name as the user gave it, in any script.' }),
    original_filename: Type.String({ description: 'The same as `filename`.' }),
    key: Type.String({ description: 'Name of the object in the store.' }),
    storage_url: Type.String({
      description:
        'Where the object is: `s3://bucket/key`, `gs://bucket/key`, `az://container/key` or `local://key`. No link.',
    }),
    s3_url: Type.Optional(Type.String({ description: 'The same, present when the object is in S3.' })),
    presigned_url: Type.String({
      description:
        'Reads the bytes without a token until `expiration_at`. Asked again within five minutes it is the same.',
    }),
    expiration_at: nullable<string>(Timestamp(''), {
      description: 'When `presigned_url` stops working; null for public asset types, whose URL is permanent.',
    }),
    size_bytes: Type.Integer({ minimum: 1, description: 'Exact size of the content.' }),
    mime_type: Type.String({ description: 'What the content is, not what was declared.' }),
    content_hash: Type.String({ pattern: '^[0-9a-f]{64}$', description: 'SHA-256 of the content, hex.' }),
    user_id: Type.String({ description: 'The owner: the `sub` of the token it was uploaded with.' }),
    metadata: JsonObject('What the client sent along with the upload.'),
    created_at: Timestamp('When it was stored.'),
  },
  { $id: 'Asset', description: 'A stored file and its record.' },
);
export type AssetJson = Static<typeof AssetSchema>;

/** The answer of an upload: one asset per file, in the order they were sent. */
export const UploadResultSchema = Type.Object(
  { uploads: Type.Array(AssetSchema) },
  { $id: 'UploadResult', description: 'The stored files, in the order they were sent.' },
);
export type UploadResultJson = Static<typeof UploadResultSchema>;

/** One page of assets, newest first. */
export const AssetPageSchema = Type.Object(
  {
    assets: Type.Array(AssetSchema),
    next_cursor: nullable<string>(Type.String(), {
      description: '`cursor` of the next page; null after the last.',
    }),
  },
  { $id: 'AssetPage', description: 'One page of assets, newest first.' },
);
export type AssetPageJson = Static<typeof AssetPageSchema>;

/** A URL that reads one asset for a while. */
export const PresignedSchema = Type.Object(
  {
    asset_id: Uuid('The asset.'),
    presigned_url: Type.String({ description: 'Reads the bytes without a token until `expiration_at`.' }),
    expiration_at: Timestamp('When the URL stops working.'),
    original_filename: Type.String({ description: 'The name as the user gave it.' }),
    size_bytes: Type.Integer({ description: 'Exact size of the content.' }),
  },
  { $id: 'Presigned', description: 'A URL that reads one asset for a while.' },
);
export type PresignedJson = Static<typeof PresignedSchema>;
