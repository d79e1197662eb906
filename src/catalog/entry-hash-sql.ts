import { type RawBuilder, sql } from 'kysely';

/** The columns of an entry as text, in the order that they are hashed in. */
const FIELDS: readonly RawBuilder<string | null>[] = [
  sql`entry_id::text`,
  sql`to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`,
  sql`action`,
  sql`outcome`,
  sql`reason`,
  sql`tenant_id`,
  sql`user_id`,
  sql`asset_id::text`,
  sql`asset_type`,
  sql`s3_key`,
  sql`ip_address`,
  sql`user_agent`,
  sql`storage_backend`,
  sql`request_id`,
];

/**
 * What `hashEntry` computes, computed by the database: sealing reads a hash per entry instead of all its columns. Two
 * writings of one definition: each verification compares them.
 */
export const entryHash: RawBuilder<Buffer> = sql<Buffer>`
  sha256(convert_to('23:stowage-access-entry-v1' || ${sql.join(FIELDS.map(encoded), sql` || `)}, 'UTF8'))`;

function encoded(field: RawBuilder<string | null>): RawBuilder<string> {
  return sql`coalesce(octet_length(convert_to(${field}, 'UTF8')) || ':' || ${field}, '-')`;
}
