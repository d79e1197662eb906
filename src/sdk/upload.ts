import type { AssetJson } from '../protocol/index.ts';
import { StowageClientError } from './errors.ts';
import { partsInFlightOf, type Settings } from './options.ts';
import type { UploadProgress } from './progress.ts';
import { openSource, STREAM_BYTES_MAX, type UploadSource } from './source.ts';
import { uploadDirectly } from './upload-direct.ts';
import { uploadForm } from './upload-form.ts';
import type { UploadState } from './upload-state.ts';

/** How a call is ended before its time. */
export interface CallOptions {
  readonly signal?: AbortSignal;
}

/** What goes along while bytes are sent. */
export interface TransferOptions extends CallOptions {
  /** Told how far the upload is. */
  readonly onProgress?: (progress: UploadProgress) => void;
  /** Told the state of a direct upload when it begins and after each part, to be kept for `resume`. */
  readonly onState?: (state: UploadState) => void;
  /** What an abort does with a direct upload: `abandon` removes what was sent, `keep` leaves it for `resume`. */
  readonly whenAborted?: 'abandon' | 'keep';
  /** Parts that are sent side by side, 1 to 16; else the client's. */
  readonly partsInFlight?: number;
}

/** What is known of a file. */
export interface FileFacts {
  /** The file's name; needed for everything but a `File`. */
  readonly filename?: string;
  /** The declared media type; else that of the `File` or `Blob`. */
  readonly mediaType?: string;
  /** SHA-256 of the file, hex; else computed for small files. The service compares it with what arrived. */
  readonly sha256?: string;
}

/** What the service is to make of the files. */
export interface AssetFacts {
  /** The policy they are accepted under. */
  readonly assetType: string;
  /** What the key of the asset type needs, for example `project_id`. */
  readonly fields?: Readonly<Record<string, string>>;
  /** A JSON object, kept with the asset. */
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** How one file is uploaded. */
export interface UploadOptions extends AssetFacts, FileFacts, TransferOptions {
  /** Size of a stream, in bytes; needed above 100 MiB. */
  readonly sizeBytes?: number;
  /** `form`: through the service. `direct`: straight to the store. `auto`, the default, decides by the size. */
  readonly via?: 'auto' | 'form' | 'direct';
}

/** Uploads one file in the way that its size or the caller asks for. */
export async function uploadFile(
  settings: Settings,
  given: UploadSource,
  options: UploadOptions,
): Promise<AssetJson> {
  const { via = 'auto' } = options;
  const { directBytesMin } = settings;
  partsInFlightOf(options.partsInFlight ?? settings.partsInFlight);
  const filename = filenameOf(given, options);
  const mediaType = options.mediaType ?? (given instanceof Blob ? given.type : '');
  const sizeBytes = options.sizeBytes ?? null;
  const source = await openSource(given, {
    sizeBytes,
    // What is not sent in parts must be at hand as a whole, to be sent again.
    keepBytesMax: STREAM_BYTES_MAX,
  });
  try {
    // An empty file is refused by the form too; a direct upload needs at least a byte to reserve.
    const isDirect = via === 'direct' || (via === 'auto' && source.sizeBytes >= directBytesMin);
    if (source.blob === null && via === 'form') {
      throw new StowageClientError(
        'invalid_parameter',
        'A stream above 100 MiB can go straight to the store only.',
      );
    }
    if (isDirect || source.blob === null) {
      return await uploadDirectly(settings, source, { ...options, filename, mediaType });
    }
    const file = { filename, mediaType, blob: source.blob, sha256: options.sha256 ?? null };
    const [asset] = await uploadForm(settings, [file], options);
    if (asset !== undefined) return asset;
    throw new StowageClientError('unexpected_answer', 'The answer has no asset.');
  } finally {
    await source.close();
  }
}

/** @throws StowageClientError `missing_field`. */
export function filenameOf(given: unknown, { filename }: FileFacts): string {
  if (filename !== undefined) return filename;
  if (given instanceof Blob && 'name' in given && typeof given.name === 'string') return given.name;
  throw new StowageClientError('missing_field', 'Only a File has a name: filename is needed.', {
    problem: { parameter: 'filename' },
  });
}
