import { StowageError } from '../core/errors.ts';

/**
 * Reads the SHA-256 out of a Repr-Digest header (RFC 9530 §3), of a request or of a part of a form: `sha-256=:base64:`, among
 * other algorithms or alone.
 *
 * @returns 32 bytes; null when the header is absent or names only algorithms that we leave unverified.
 * @throws StowageError `invalid_parameter` when it can't be read.
 */
export function parseReprDigest(header: string | null): Buffer | null {
  if (header === null) return null;
  let sha256: Buffer | null = null;
  for (const member of header.split(',')) {
    // RFC 8941: a dictionary whose values are byte sequences; a later member of the same name counts.
    const match = /^[ \t]*([a-z*][a-z0-9_\-.*]*)=:([A-Za-z0-9+/=]*):[ \t]*$/.exec(member);
    const digest = Buffer.from(match?.[2] ?? '', 'base64');
    if (match === null || (match[1] === 'sha-256' && digest.length !== 32)) {
      throw new StowageError('invalid_parameter', 'The Repr-Digest header is malformed.', {
        fields: { parameter: 'Repr-Digest' },
      });
    }
    if (match[1] === 'sha-256') sha256 = digest;
  }
  return sha256;
}

/**
 * Reads the `sha256` fields of a form: one digest per file in the order of the files, in fields of their own or
 * separated by commas.
 *
 * @throws StowageError `invalid_parameter` when one is no SHA-256 in hex, or when they are not as many as the files.
 */
export function parseFileDigests(values: readonly string[], fileCount: number): readonly string[] {
  const digests = values.flatMap((value) => value.split(',')).map((text) => text.trim().toLowerCase());
  if (digests.length !== fileCount || !digests.every((digest) => /^[0-9a-f]{64}$/.test(digest))) {
    throw new StowageError(
      'invalid_parameter',
      'The field sha256 must be one SHA-256 in hex for each file.',
      {
        fields: { parameter: 'sha256' },
      },
    );
  }
  return digests;
}

/**
 * Compares files with what their form announced of them.
 *
 * @param digests as {@link parseFileDigests} gives them; none when nothing was announced.
 * @throws StowageError `digest_mismatch`, which names the first file that differs.
 */
export function assertFileDigests(
  digests: readonly string[],
  files: readonly { readonly filename: string; readonly contentHash: string }[],
): void {
  for (const [index, { filename, contentHash }] of files.entries()) {
    if (digests[index] !== undefined && digests[index] !== contentHash) throw fileDiffers(filename);
  }
}

/** The refusal of a file whose bytes are not those that were announced. */
export function fileDiffers(filename: string): StowageError {
  return new StowageError('digest_mismatch', 'The file does not have the SHA-256 that was announced.', {
    fields: { filename },
  });
}
