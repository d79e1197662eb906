import type { ErrorCode } from '../core/errors.ts';

/**
 * Codes by which what was sent straight to the store is refused, once and for all: whoever asks for that upload again gets
 * the same code.
 */
export const CONTENT_REFUSALS = [
  'invalid_file_type',
  'invalid_filename',
  'file_type_mismatch',
  'suspicious_content',
  'empty_file',
  'digest_mismatch',
  'file_too_large',
] as const satisfies readonly ErrorCode[];
