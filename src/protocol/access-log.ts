import Type, { type Static } from 'typebox';
import { nullable, Timestamp } from './types.ts';

/** What can be done to an asset, as the access log names it. */
export const AccessActionSchema = Type.Enum(['upload', 'download', 'generate_url', 'delete']);

const text = (description: string) => nullable<string>(Type.String(), { description });

/** One line of the access log: who did what to which asset. */
export const LogEntrySchema = Type.Object(
  {
    entry_id: Type.String({ description: 'Position in the log: grows, may have gaps.' }),
    at: Timestamp('When it happened.'),
    action: AccessActionSchema,
    outcome: Type.Enum(['ok', 'refused']),
    reason: text('The error code of a refusal; null when ok.'),
    user_id: text('Who did it; null when nobody could be identified.'),
    asset_id: text('The asset; null when there was none.'),
    asset_type: text('Its asset type.'),
    key: text('Its key.'),
    ip_address: Type.String({ description: 'Address of the client.' }),
    user_agent: text('The User-Agent header.'),
    storage_backend: Type.String({ description: 'Where the bytes are.' }),
    request_id: Type.String({ description: 'The X-Request-Id of the request.' }),
  },
  { $id: 'LogEntry', description: 'One line of the access log.' },
);
export type LogEntryJson = Static<typeof LogEntrySchema>;

/** One page of the access log, newest first. */
export const LogPageSchema = Type.Object(
  {
    entries: Type.Array(LogEntrySchema),
    next_cursor: nullable<string>(Type.String(), {
      description: '`cursor` of the next page; null after the last.',
    }),
  },
  { $id: 'LogPage', description: 'One page of the access log, newest first.' },
);
export type LogPageJson = Static<typeof LogPageSchema>;
