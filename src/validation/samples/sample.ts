import type { ErrorCode } from '../../core/errors.ts';

/** A file made by code, and what the gate must say about it. */
export interface Sample {
  /** A sentence, unique within its list. */
  readonly title: string;
  readonly bytes: () => Buffer;
  readonly filename: string;
  /** Media type that the client declares; null for none. */
  readonly declared: string | null;
  /** Media type that the asset type accepts. */
  readonly mediaType: string;
  readonly expect: 'accepted' | ErrorCode;
  /** The rule that refuses it, exactly this one. */
  readonly rule?: string;
}
