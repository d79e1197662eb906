import type { ByteStream } from '../core/bytes.ts';
import { StowageError } from '../core/errors.ts';

/**
 * Passes bytes through and fails at the first byte too many, or at the end when some are missing.
 *
 * @throws StowageError `file_too_large` or `malformed_request`, thrown while the stream is read.
 */
export async function* exactly(body: ByteStream, sizeBytes: number): AsyncGenerator<Uint8Array> {
  let seenBytes = 0;
  for await (const chunk of body) {
    seenBytes += chunk.byteLength;
    if (seenBytes > sizeBytes) {
      throw new StowageError(
        'file_too_large',
        `The body is longer than the ${sizeBytes} bytes that were announced.`,
        {
          fields: { limit_bytes: sizeBytes },
        },
      );
    }
    yield chunk;
  }
  if (seenBytes < sizeBytes) {
    throw new StowageError('malformed_request', `The body ended after ${seenBytes} of ${sizeBytes} bytes.`);
  }
}
