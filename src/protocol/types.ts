import Type, { type TSchema } from 'typebox';

/** A schema that also admits null, in the compact form that OpenAPI 3.1 and fast serializers understand. */
export function nullable<Value>(schema: TSchema & { type?: unknown }, note: Record<string, unknown> = {}) {
  return Type.Unsafe<Value | null>({ ...schema, ...note, type: [schema.type, 'null'] });
}

/** An RFC 3339 time in UTC, for example `2026-03-01T12:00:00.000Z`. */
export const Timestamp = (description: string) => Type.String({ format: 'date-time', description });

/** A version-4 or version-7 UUID. */
export const Uuid = (description: string) => Type.String({ format: 'uuid', description });

/** A JSON object of any content. */
export const JsonObject = (description: string) =>
  Type.Unsafe<Readonly<Record<string, unknown>>>({
    type: 'object',
    additionalProperties: true,
    description,
  });
