import { StowageClientError } from './errors.ts';

/**
 * The bytes of a piece of a file.
 *
 * @throws StowageClientError `source_unreadable` when the file was removed or written to since it was chosen.
 */
export async function bytesOf(piece: Blob): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await piece.arrayBuffer());
  } catch (cause) {
    throw new StowageClientError('source_unreadable', 'The file could not be read.', { cause });
  }
}
