/** The client of the service, for browsers and Node: `import { createClient } from 'stowage/client'`. */
export type {
  AssetJson,
  AssetPageJson,
  PresignedJson,
  UsageJson,
} from '../protocol/index.ts';
export { createClient, type FileToStore, type StowageClient } from './client.ts';
export type { Download, DownloadOptions } from './download.ts';
export {
  type ClientErrorCode,
  isClientError,
  type LocalErrorCode,
  type ServiceErrorCode,
  StowageClientError,
} from './errors.ts';
export type { ListOptions } from './list.ts';
export type { ClientOptions } from './options.ts';
export type { UploadProgress } from './progress.ts';
export type { RetryPolicy } from './retry.ts';
export type { UploadSource } from './source.ts';
export type { Fetch } from './transport.ts';
export type { AssetFacts, CallOptions, FileFacts, TransferOptions, UploadOptions } from './upload.ts';
export type { SingleRequest, UploadState } from './upload-state.ts';
