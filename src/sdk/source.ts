import { StowageClientError } from './errors.ts';
import { sampleOf } from './sample.ts';
import { chunksOf, StreamSource } from './stream-source.ts';

/** What can be uploaded. A path is none of it: in Node, `fs.openAsBlob(path)` makes a Blob that is read as it is sent. */
export type UploadSource =
  | Blob
  | ArrayBuffer
  | ArrayBufferView<ArrayBufferLike>
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array>;

/** Bytes of a known size that are read piece by piece. */
export interface Source {
  readonly sizeBytes: number;
  /** All of it, when it can be read again and again without being kept in memory for that. */
  readonly blob: Blob | null;
  /**
   * Reads one piece. The pieces of a stream are asked for in order, each once.
   *
   * @throws StowageClientError `source_changed` when the bytes are not there any more.
   */
  read(offset: number, sizeBytes: number): Promise<Blob>;
  /** Makes sure that nothing comes after the last piece. @throws StowageClientError `source_changed`. */
  finish(): Promise<void>;
  /** A checksum of pieces, by which a file is known again; null for a stream. */
  sample(): Promise<string | null>;
  /** Gives up what is still unread. Never rejects. */
  close(): Promise<void>;
}

/** Most bytes of a stream of unknown size that are kept in memory. */
export const STREAM_BYTES_MAX = 100 * 1024 * 1024;

/**
 * Opens what is to be uploaded.
 *
 * @param options.sizeBytes the size of a stream; null when unknown.
 * @param options.keepBytesMax a stream up to this size is read whole at once, so that it can be sent again.
 * @throws StowageClientError `size_required`, `source_changed`.
 */
export async function openSource(
  given: UploadSource,
  options: { readonly sizeBytes: number | null; readonly keepBytesMax: number },
): Promise<Source> {
  if (given instanceof Blob) return blobSource(given);
  if (given instanceof ArrayBuffer || ArrayBuffer.isView(given)) return blobSource(blobOf(given));
  const { sizeBytes, keepBytesMax } = options;
  const chunks = chunksOf(given);
  if (sizeBytes !== null && sizeBytes > keepBytesMax) return new StreamSource(chunks, sizeBytes);
  return blobSource(await keepWhole(chunks, sizeBytes));
}

/** Bytes in memory as a Blob; they are copied. */
export function blobOf(bytes: ArrayBuffer | ArrayBufferView<ArrayBufferLike>): Blob {
  return new Blob([bytes instanceof ArrayBuffer ? bytes : viewOf(bytes)]);
}

/** The bytes of a view. Memory that is shared with other threads must be copied: a Blob takes none. */
function viewOf(view: ArrayBufferView<ArrayBufferLike>): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset, byteLength } = view;
  if (buffer instanceof ArrayBuffer) return new Uint8Array(buffer, byteOffset, byteLength);
  return new Uint8Array(new Uint8Array(buffer, byteOffset, byteLength));
}

async function keepWhole(chunks: AsyncIterator<Uint8Array>, sizeBytes: number | null): Promise<Blob> {
  const kept = new StreamSource(chunks, sizeBytes ?? Number.POSITIVE_INFINITY);
  try {
    if (sizeBytes !== null) {
      const blob = await kept.read(0, sizeBytes);
      await kept.finish();
      return blob;
    }
    const blob = await kept.readUpTo(STREAM_BYTES_MAX + 1);
    if (blob.size <= STREAM_BYTES_MAX) return blob;
    throw new StowageClientError(
      'size_required',
      `A stream of more than ${STREAM_BYTES_MAX} bytes needs sizeBytes.`,
    );
  } catch (error) {
    await kept.close();
    throw error;
  }
}

function blobSource(blob: Blob): Source {
  return {
    sizeBytes: blob.size,
    blob,
    // Without a type: the piece's own would be sent along.
    read: async (offset, sizeBytes) => blob.slice(offset, offset + sizeBytes),
    finish: async () => {},
    sample: () => sampleOf(blob),
    close: async () => {},
  };
}
