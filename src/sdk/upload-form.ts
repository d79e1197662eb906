import type { AssetJson, UploadResultJson } from '../protocol/index.ts';
import { jsonOf, sendAuthorized } from './api.ts';
import { digestOf, freshName } from './digest.ts';
import { formOf } from './form.ts';
import type { Settings } from './options.ts';
import { ProgressMeter } from './progress.ts';
import { withRetries } from './retry.ts';
import type { AssetFacts, TransferOptions } from './upload.ts';

/** How long the service may take to judge and store a form that it has, in milliseconds. */
const ANSWER_MS = 120_000;

/** A file of a form. */
export interface FormFile {
  readonly filename: string;
  readonly mediaType: string;
  readonly blob: Blob;
  /** Hex; computed when null and the file is small. */
  readonly sha256: string | null;
}

/** Sends files through the service, all or none. Tried again under one Idempotency-Key, so it is stored once. */
export async function uploadForm(
  settings: Settings,
  files: readonly FormFile[],
  options: AssetFacts & Pick<TransferOptions, 'signal' | 'onProgress'>,
): Promise<readonly AssetJson[]> {
  const signal = options.signal ?? new AbortController().signal;
  const { body, contentType } = formOf([...fieldsOf(options), ...(await fileParts(settings, files))]);
  const totalBytes = files.reduce((sum, { blob }) => sum + blob.size, 0);
  const meter = new ProgressMeter(totalBytes, options.onProgress);
  const idempotencyKey = freshName();
  meter.partSent(1, 0);
  const { uploads } = await withRetries(settings.retry, signal, async () => {
    const answer = await sendAuthorized(settings, settings.send, {
      method: 'POST',
      url: `${settings.url}/api/upload`,
      headers: { 'content-type': contentType, 'idempotency-key': idempotencyKey },
      body,
      signal,
      onSent: (sentBytes) => {
        meter.partSent(1, Math.floor((sentBytes / body.size) * totalBytes));
        if (sentBytes >= body.size) meter.phase('completing');
      },
      stallMs: settings.stallMs,
      answerMs: Math.max(ANSWER_MS, settings.stallMs),
    });
    return jsonOf<UploadResultJson>(answer);
  });
  meter.phase('done');
  return uploads;
}

/** The fields before the files: the service can then store each file as it comes. */
function fieldsOf({ assetType, fields = {}, metadata }: AssetFacts) {
  const parts = Object.entries({ ...fields, asset_type: assetType }).map(([name, value]) => ({
    name,
    value,
  }));
  return metadata === undefined ? parts : [...parts, { name: 'metadata', value: JSON.stringify(metadata) }];
}

async function fileParts(settings: Settings, files: readonly FormFile[]) {
  const digests: string[] = [];
  for (const { blob, sha256 } of files) {
    const digest = sha256 ?? (await digestOf(blob, settings.digestBytesMax));
    if (digest !== null) digests.push(digest);
  }
  // One for each file or none: the service matches them by their order.
  const isComplete = digests.length === files.length;
  return [
    ...(isComplete ? digests.map((value) => ({ name: 'sha256', value })) : []),
    ...files.map(({ filename, mediaType, blob }) => ({
      name: 'files',
      value: blob,
      filename,
      mediaType: mediaType === '' ? 'application/octet-stream' : mediaType,
    })),
  ];
}
