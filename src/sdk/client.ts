import type { AssetJson, AssetPageJson, PresignedJson, UsageJson } from '../protocol/index.ts';
import { callOnce, callService } from './api.ts';
import { type Download, type DownloadOptions, downloadAsset } from './download.ts';
import { isClientError } from './errors.ts';
import { type ListOptions, listAssets, listPages } from './list.ts';
import { type ClientOptions, type Settings, settingsOf } from './options.ts';
import { withRetries } from './retry.ts';
import { blobOf, openSource, type UploadSource } from './source.ts';
import {
  type AssetFacts,
  type CallOptions,
  type FileFacts,
  filenameOf,
  type TransferOptions,
  type UploadOptions,
  uploadFile,
} from './upload.ts';
import { resumeUpload } from './upload-direct.ts';
import { uploadForm } from './upload-form.ts';
import type { UploadState } from './upload-state.ts';

/** One of several files that are stored together. */
export interface FileToStore extends FileFacts {
  readonly file: Blob | ArrayBuffer | ArrayBufferView<ArrayBufferLike>;
}

/**
 * A Stowage service, as one user sees it. Every call rejects with a `StowageClientError`, tries again what can be tried
 * again, and ends with its `signal`.
 */
export interface StowageClient {
  /** Stores one file: through the service or straight in the store, by its size. */
  upload(source: UploadSource, options: UploadOptions): Promise<AssetJson>;
  /** Stores 1 to 10 files through the service, all or none. */
  uploadTogether(
    files: readonly FileToStore[],
    options: AssetFacts & Pick<TransferOptions, 'signal' | 'onProgress'>,
  ): Promise<readonly AssetJson[]>;
  /** Goes on with an upload: `state` is what `onState` told or `error.upload`, as an object or as JSON. */
  resume(state: UploadState | string, source: UploadSource, options?: TransferOptions): Promise<AssetJson>;
  /** Gives an upload up that is kept for `resume`. One that is gone already is no error. */
  abandon(state: Pick<UploadState, 'uploadId'>, options?: CallOptions): Promise<void>;
  /** The user's assets, newest first. */
  list(options?: ListOptions): AsyncGenerator<AssetJson, void>;
  /** The same page by page. */
  listPages(options?: ListOptions): AsyncGenerator<AssetPageJson, void>;
  /** The record of an asset, with a URL that reads it. */
  get(assetId: string, options?: CallOptions): Promise<AssetJson>;
  /** A URL that reads an asset for 1 to 168 hours; 24. */
  presigned(
    assetId: string,
    options?: CallOptions & { readonly expirationHours?: number },
  ): Promise<PresignedJson>;
  /** The content of an asset or a range of it, through the service. */
  download(assetId: string, options?: DownloadOptions): Promise<Download>;
  /** Removes an asset and its bytes. */
  delete(assetId: string, options?: CallOptions): Promise<void>;
  /** Files and bytes of the user; of the tenant for admins. */
  usage(options?: CallOptions): Promise<UsageJson>;
}

/**
 * Makes a client. Nothing is sent before the first call.
 *
 * @throws TypeError or RangeError for options that no client can work with.
 */
export function createClient(options: ClientOptions): StowageClient {
  const settings = settingsOf(options);
  return {
    upload: (source, each) => uploadFile(settings, source, each),
    uploadTogether: (files, each) => uploadTogether(settings, files, each),
    resume: (state, source, each = {}) =>
      resumeUpload(
        settings,
        state,
        ({ sizeBytes, request }) =>
          openSource(source, { sizeBytes, keepBytesMax: request === null ? 0 : sizeBytes }),
        each,
      ),
    abandon: ({ uploadId }, each = {}) =>
      remove(settings, `${settings.uploadsPath}/${encodeURIComponent(uploadId)}`, each, [
        'not_found',
        'expired',
      ]),
    list: (each = {}) => listAssets(settings, each),
    listPages: (each = {}) => listPages(settings, each),
    get: (assetId, each = {}) => read(settings, assetPath(assetId), each),
    presigned: (assetId, { expirationHours, ...each } = {}) => {
      const query = expirationHours === undefined ? '' : `?expiration_hours=${expirationHours}`;
      return read(settings, `${assetPath(assetId)}/presigned${query}`, each);
    },
    download: (assetId, each = {}) => downloadAsset(settings, assetId, each),
    delete: (assetId, each = {}) => remove(settings, assetPath(assetId), each, []),
    usage: (each = {}) => read(settings, '/api/usage', each),
  };
}

function assetPath(assetId: string): string {
  return `/api/assets/${encodeURIComponent(assetId)}`;
}

async function read<T>(settings: Settings, path: string, options: CallOptions): Promise<T> {
  const { signal = new AbortController().signal } = options;
  return await callService<T>(settings, { method: 'GET', path, signal });
}

/** @param whenGone codes that say as much as success. */
async function remove(
  settings: Settings,
  path: string,
  { signal = new AbortController().signal }: CallOptions,
  whenGone: readonly string[],
): Promise<void> {
  let isRepeated = false;
  await withRetries(settings.retry, signal, async () => {
    try {
      await callOnce<undefined>(settings, { method: 'DELETE', path, signal });
    } catch (error) {
      // What is not there when it is removed again was removed by the request whose answer was lost.
      if (isClientError(error, 'not_found') && isRepeated) return;
      if (isClientError(error) && whenGone.includes(error.code)) return;
      isRepeated = true;
      throw error;
    }
  });
}

async function uploadTogether(
  settings: Settings,
  files: readonly FileToStore[],
  options: AssetFacts & Pick<TransferOptions, 'signal' | 'onProgress'>,
): Promise<readonly AssetJson[]> {
  const parts = files.map(({ file, ...facts }) => {
    const blob = file instanceof Blob ? file : blobOf(file);
    return {
      blob,
      filename: filenameOf(file, facts),
      mediaType: facts.mediaType ?? blob.type,
      sha256: facts.sha256 ?? null,
    };
  });
  return await uploadForm(settings, parts, options);
}
