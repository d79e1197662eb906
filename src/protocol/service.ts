import Type, { type Static } from 'typebox';
import { nullable } from './types.ts';

/** How the service and what it depends on are doing. */
export const HealthSchema = Type.Object(
  {
    status: Type.Enum(['ok', 'degraded']),
    dependencies: Type.Object(
      {
        database: Type.Object({
          status: Type.Enum(['connected', 'unavailable']),
          latency_ms: nullable<number>(Type.Number(), {
            description: 'Round trip of a trivial query; null when unknown.',
          }),
        }),
        storage: Type.Object({
          status: Type.Enum(['connected', 'unavailable']),
          backend: Type.String({ description: 'The kind of store.' }),
        }),
      },
      { additionalProperties: Type.Object({ status: Type.String() }, { additionalProperties: true }) },
    ),
  },
  { $id: 'Health', description: 'How the service and its dependencies are doing, measured on a timer.' },
);
export type HealthJson = Static<typeof HealthSchema>;

/** A probe's answer. */
export const ProbeSchema = Type.Object(
  { status: Type.Enum(['ok', 'starting', 'unavailable', 'stopping']) },
  { $id: 'Probe', description: 'The answer to an orchestrator.' },
);
export type ProbeJson = Static<typeof ProbeSchema>;

/** Files and bytes in store. */
export const UsageSchema = Type.Object(
  {
    files: Type.Integer({ minimum: 0, description: 'Stored files.' }),
    bytes: Type.Integer({ minimum: 0, description: 'Their sizes together.' }),
  },
  { $id: 'Usage', description: 'Files and bytes of the caller, or of the tenant for admins.' },
);
export type UsageJson = Static<typeof UsageSchema>;

/** The answer to an accepted erasure. */
export const ErasureSchema = Type.Object(
  {
    user_id: Type.String({ description: 'Whose assets are erased.' }),
    status: Type.Enum(['accepted']),
  },
  { $id: 'Erasure', description: 'An accepted erasure.' },
);
export type ErasureJson = Static<typeof ErasureSchema>;
