import Type, { type Static } from 'typebox';
import { nullable, Timestamp, Uuid } from './types.ts';

const Headers = Type.Record(Type.String(), Type.String(), {
  description: 'Headers to send, exactly these. Content-Length is set by most clients themselves.',
});
const SizeEnforcement = Type.Enum(['store', 'completion'], {
  description: 'Who refuses another size: the store at once, or `complete`.',
});

/** What a client announces to send a file straight to the store. */
export const BeginUploadSchema = Type.Object(
  {
    filename: Type.String({ description: 'The name as the user gave it.' }),
    size_bytes: Type.Integer({ minimum: 0, description: 'Exact size of the file.' }),
    mime_type: Type.Optional(
      nullable<string>(Type.String(), {
        description: 'The declared media type; absent or null when unknown.',
      }),
    ),
    asset_type: Type.String({ description: 'The policy it is to be accepted under.' }),
    sha256: Type.Optional(
      nullable<string>(Type.String({ pattern: '^[0-9a-fA-F]{64}$' }), {
        description: 'SHA-256 of the file, hex; checked when present.',
      }),
    ),
    metadata: Type.Optional(
      Type.Unsafe<Readonly<Record<string, unknown>> | null>({
        type: ['object', 'null'],
        additionalProperties: true,
        description: 'A JSON object, kept with the asset.',
      }),
    ),
  },
  {
    $id: 'BeginUpload',
    description:
      'A file that is to be sent straight to the store; beside these the fields that its key needs, such as `project_id`.',
    additionalProperties: true,
  },
);
export type BeginUploadJson = Static<typeof BeginUploadSchema>;

/** How one part is sent. */
export const UploadPartSchema = Type.Object(
  {
    part_number: Type.Integer({ minimum: 1, description: 'Its place in the file.' }),
    size_bytes: Type.Integer({ minimum: 1, description: 'Exact size of the part.' }),
    url: Type.String({ description: 'Where to PUT it.' }),
    headers: Headers,
    expires_at: Timestamp('When the URL stops working; `parts` gives a fresh one.'),
  },
  { $id: 'UploadPart', description: 'How one part of a file is sent.' },
);
export type UploadPartJson = Static<typeof UploadPartSchema>;

/** How the file is sent. */
export const UploadInstructionsSchema = Type.Object(
  {
    upload_id: Uuid('Name of the upload for the calls that follow.'),
    method: Type.Enum(['put', 'post', 'multipart'], {
      description:
        '`put`: one PUT of the bytes to `url` with `headers`. `post`: a form to `url` with `fields` first and the bytes last, as `file`. `multipart`: a PUT for each part.',
    }),
    url: Type.Optional(Type.String({ description: 'With `put` and `post`.' })),
    headers: Type.Optional(Headers),
    fields: Type.Optional(
      Type.Record(Type.String(), Type.String(), { description: 'With `post`: the fields, in this order.' }),
    ),
    parts: Type.Optional(
      Type.Array(UploadPartSchema, {
        description: 'With `multipart`: the first parts, at most 100; `POST …/parts` has the others.',
      }),
    ),
    part_count: Type.Optional(Type.Integer({ minimum: 1, description: 'With `multipart`: how many parts.' })),
    part_size_bytes: Type.Optional(
      Type.Integer({ minimum: 1, description: 'With `multipart`: size of every part but the last.' }),
    ),
    expires_at: Timestamp('Until when the bytes can be sent.'),
    size_enforced_by: SizeEnforcement,
  },
  { $id: 'UploadInstructions', description: 'How a file is sent straight to the store.' },
);
export type UploadInstructionsJson = Static<typeof UploadInstructionsSchema>;

/** Which parts need URLs. */
export const PartNumbersSchema = Type.Object(
  {
    part_numbers: Type.Array(Type.Integer({ minimum: 1 }), {
      minItems: 1,
      maxItems: 100,
      description: 'The parts that need a URL, each once.',
    }),
  },
  { $id: 'PartNumbers', description: 'The parts to sign.' },
);
export type PartNumbersJson = Static<typeof PartNumbersSchema>;

/** Fresh URLs for parts. */
export const UploadPartsSchema = Type.Object(
  { parts: Type.Array(UploadPartSchema) },
  { $id: 'UploadParts', description: 'How parts are sent, in the order they were asked for.' },
);
export type UploadPartsJson = Static<typeof UploadPartsSchema>;
