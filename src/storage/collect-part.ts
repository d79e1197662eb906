import type { ByteStream } from '../core/bytes.ts';
import { StowageError } from '../core/errors.ts';
import { AbortRace, abandon } from './abort-race.ts';
import type { PutPartOptions } from './backend.ts';
import { collectUpTo } from './put-in-parts.ts';

/**
 * Collects the bytes of one part, for stores that want a checksum before them.
 *
 * @throws StowageError `malformed_request` when they are not as many as announced; the signal's error at once, even while
 *   the body is silent; what the body throws.
 */
export async function collectPart(
  body: ByteStream,
  partNumber: number,
  { sizeBytes, signal }: PutPartOptions,
): Promise<readonly Uint8Array[]> {
  using race = new AbortRace(signal);
  const source = body[Symbol.asyncIterator]();
  try {
    const collected = await collectUpTo(source, sizeBytes + 1, race);
    if (collected.sizeBytes === sizeBytes) return collected.chunks;
    throw new StowageError('malformed_request', `Part ${partNumber} is not ${sizeBytes} bytes long.`);
  } catch (error) {
    abandon(source);
    throw error;
  }
}
