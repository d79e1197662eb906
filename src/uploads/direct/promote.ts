import type { DirectUpload } from '../../catalog/uploads-in-progress.ts';
import type { AssetType } from '../../core/asset-type.ts';
import { isStowageError, StowageError } from '../../core/errors.ts';
import type { ObjectKey } from '../../core/key.ts';
import type { ObjectInfo } from '../../storage/backend.ts';
import { INCOMING_WRITE, sealedKey } from '../../storage/incoming.ts';
import { admit } from '../../validation/admit.ts';
import type { Verdict } from '../../validation/gate.ts';
import { refuse } from '../../validation/refusal.ts';
import { assetTypeNamed } from '../form-fields.ts';
import { renderKey } from '../key.ts';
import { objectMetadata, type StoredFile } from '../store-file.ts';
import type { DirectUploadOptions } from './direct-uploads.ts';
import { joinParts } from './join-parts.ts';

/** How often a key is drawn when the one before is taken. */
const KEYS_MAX = 3;

/**
 * Passes the bytes of an upload through the gate and copies them to the final key, which its URL can't reach. The copy is
 * of exactly the bytes that were judged. When it throws, nothing is left under the final key.
 *
 * @throws StowageError what the gate throws; `conflict` when bytes are missing, or were replaced meanwhile.
 */
export async function promote(
  options: DirectUploadOptions,
  upload: DirectUpload,
  signal: AbortSignal,
): Promise<StoredFile> {
  const { bucket, sealFirst } = options;
  const assetType = assetTypeNamed(options.assetTypes, upload.assetType);
  const arrived = await findArrived(options, upload, signal);
  requireAnnouncedSize(upload, arrived);
  const source = sealFirst
    ? await bucket.copy(arrived.key, sealedKey(arrived.key), { ...INCOMING_WRITE, mode: 'replace', signal })
    : arrived;
  requireAnnouncedSize(upload, source);
  const verdict = await judge(options, upload, assetType, source, signal);
  const key = await copyToFinalKey(options, { upload, assetType, source, verdict }, signal);
  return { key, verdict, contentHash: verdict.sha256.toString('hex') };
}

/** The object as the client has sent it. Parts are joined now, unless an earlier try has done it. */
async function findArrived(
  { bucket }: DirectUploadOptions,
  upload: DirectUpload,
  signal: AbortSignal,
): Promise<ObjectInfo> {
  try {
    return await bucket.head(upload.incomingKey, { signal });
  } catch (error) {
    if (!isStowageError(error, 'object_not_found')) throw error;
    if (upload.storeUploadId === null) {
      throw new StowageError('conflict', 'The bytes of the upload have not arrived yet.', { cause: error });
    }
  }
  await joinParts(bucket, upload, signal);
  return bucket.head(upload.incomingKey, { signal });
}

function requireAnnouncedSize({ sizeBytes }: DirectUpload, found: ObjectInfo): void {
  if (found.sizeBytes === sizeBytes) return;
  if (found.sizeBytes === 0) throw refuse('size.empty', 'empty_file', 'The file is empty.');
  const message = `The file has ${found.sizeBytes} bytes, not the ${sizeBytes} that were announced.`;
  const rule = found.sizeBytes < sizeBytes ? 'size.fewer_than_announced' : 'size.more_than_announced';
  throw refuse(rule, 'malformed_request', message);
}

async function judge(
  { bucket }: DirectUploadOptions,
  upload: DirectUpload,
  assetType: AssetType,
  source: ObjectInfo,
  signal: AbortSignal,
): Promise<Verdict> {
  const { info, body } = await bucket.get(source.key, { signal });
  const { filename, declaredType: mediaType, sizeBytes, sha256 } = upload;
  const admission = await admit(body, { filename, mediaType, sizeBytes, sha256 }, assetType, { signal });
  // To the end, for the judgement of the whole: nothing is kept of it here.
  for await (const _ of admission.body);
  if (info.version !== source.version) throw replaced();
  return admission.verdict();
}

async function copyToFinalKey(
  { bucket, clock, log }: DirectUploadOptions,
  judged: {
    readonly upload: DirectUpload;
    readonly assetType: AssetType;
    readonly source: ObjectInfo;
    readonly verdict: Verdict;
  },
  signal: AbortSignal,
): Promise<ObjectKey> {
  const { upload, assetType, source, verdict } = judged;
  const { tenantId, userId, filename } = upload;
  const fields = new Map(Object.entries(upload.fields));
  for (let attempt = 1; ; attempt += 1) {
    const nowMs = clock.now();
    const key = renderKey(assetType, { tenantId, userId, fields, nowMs, filename });
    try {
      await bucket.copy(source.key, key, {
        mode: 'create',
        contentType: verdict.mediaType,
        cacheControl: assetType.cacheControl,
        metadata: objectMetadata(upload, nowMs, verdict),
        signal,
      });
    } catch (error) {
      if (!isStowageError(error, 'object_exists')) throw error;
      if (attempt < KEYS_MAX) continue;
      throw new StowageError('conflict', 'Another upload took the same key.', { cause: error });
    }
    try {
      await requireSame(bucket, { source, key, verdict }, signal);
      return key;
    } catch (error) {
      await removeCopy(bucket, key, log);
      throw error;
    }
  }
}

/** The copy was made of the judged version when the source was that version before and still is after it. */
async function requireSame(
  bucket: DirectUploadOptions['bucket'],
  copied: { readonly source: ObjectInfo; readonly key: ObjectKey; readonly verdict: Verdict },
  signal: AbortSignal,
): Promise<void> {
  const [now, copy] = await Promise.all([
    bucket.head(copied.source.key, { signal }),
    bucket.head(copied.key, { signal }),
  ]);
  if (now.version !== copied.source.version || copy.sizeBytes !== copied.verdict.sizeBytes) throw replaced();
}

/** How long the removal of a copy may take, in milliseconds. */
const REMOVE_MS_MAX = 10_000;

/** Removes a copy that became no asset. Never rejects: what stays behind is the sweeper's. */
export async function removeCopy(
  bucket: DirectUploadOptions['bucket'],
  key: ObjectKey,
  log: DirectUploadOptions['log'],
): Promise<void> {
  try {
    const [failure] = await bucket.deleteMany([key], { signal: AbortSignal.timeout(REMOVE_MS_MAX) });
    if (failure !== undefined) throw failure.error;
  } catch (error) {
    log.error({ key, err: error }, 'The bytes of a failed upload were not removed; the sweeper will.');
  }
}

function replaced(): StowageError {
  return new StowageError('conflict', 'The bytes were replaced while they were judged: complete again.');
}
