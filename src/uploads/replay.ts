import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Asset } from '../catalog/catalog.ts';
import type { AssetTypes } from '../core/asset-type.ts';
import type { ByteStream } from '../core/bytes.ts';
import { throwIfAborted } from '../core/errors.ts';
import type { UploadClaim } from '../validation/gate.ts';
import { assertFileDigests, fileDiffers, parseFileDigests } from './digest.ts';
import { FormFields } from './form-fields.ts';
import { announcedSha256, bringsFile, type FilePart, readForm, requestBytesMax } from './form-files.ts';
import { differentRequest, type EarlierUpload } from './idempotency.ts';
import { requiredFields } from './key.ts';
import { checkMetadata, type UploadMetadata } from './metadata.ts';
import type { FileUploadRequest, FormUploadRequest } from './upload.ts';

/**
 * Reads a form to its end without storing anything, and compares it with what an earlier request under its
 * Idempotency-Key made: the length of a body says too little, and a chunked one has none.
 *
 * @throws StowageError `conflict` when a file, its name, the asset type, the metadata or the key's fields differ;
 *   `digest_mismatch` when a file is not the one it announces; what the form throws.
 */
export async function assertSameForm(
  assetTypes: AssetTypes,
  request: FormUploadRequest,
  earlier: EarlierUpload,
): Promise<void> {
  const { assets } = earlier;
  const fields = new FormFields(assetTypes, request.query);
  const assetType = assetTypes.get(assets[0]?.assetType ?? '');
  const files: ReadFile[] = [];
  await readForm(request, requestBytesMax(assetTypes, assetType), {
    addField(_, name, value) {
      fields.add(name, value);
      request.onField?.(name, value);
    },
    async receive(part: FilePart) {
      if (!(await bringsFile(part, request.fileFields))) return;
      const { filename, body } = part;
      const file = { filename, body, sha256: announcedSha256(part) };
      files.push(await readFile(assets[files.length], file, request.signal));
    },
  });
  const given = fields.finish();
  if (fields.digests.length > 0) assertFileDigests(parseFileDigests(fields.digests, files.length), files);
  if (!earlier.hasKeyFields(fields.keyFields)) throw differentRequest();
  assertSameContent(assets, files);
  assertSameRecord(assets, given.assetType.name, given.metadata);
}

/**
 * Reads one file without storing it, and compares it like a form.
 *
 * @throws StowageError `conflict`, `digest_mismatch`; what the body throws.
 */
export async function assertSameUpload(
  assetTypes: AssetTypes,
  request: FileUploadRequest,
  earlier: EarlierUpload,
): Promise<void> {
  const { assets } = earlier;
  const { body, claim, signal } = request;
  const file = { filename: claim.filename, body, sha256: claim.sha256 };
  assertSameContent(assets, [await readFile(assets[0], file, signal)]);
  const needed = requiredFields(assetTypes.get(request.assetType)?.keyTemplate ?? '');
  if (!earlier.hasKeyFields(needed.map((name) => [name, request.fields.get(name) ?? '']))) {
    throw differentRequest();
  }
  assertSameRecord(assets, request.assetType, checkMetadata(request.metadata));
}

/** A file that was sent again, and read to its end. */
interface ReadFile {
  readonly filename: string;
  /** SHA-256, lower-case hex. */
  readonly contentHash: string;
}

/**
 * Reads a file that may be the one that `asset` was made of. Its content is not compared yet: all digests come first, for
 * bytes that were damaged on their way are no other request.
 */
async function readFile(
  asset: Asset | undefined,
  { filename, body, sha256 }: Pick<UploadClaim, 'filename' | 'sha256'> & { readonly body: ByteStream },
  signal: AbortSignal,
): Promise<ReadFile> {
  // The gate keeps names in this form.
  if (asset === undefined || asset.filename !== filename.normalize('NFC')) throw differentRequest();
  const hash = createHash('sha256');
  let seenBytes = 0;
  for await (const chunk of body) {
    throwIfAborted(signal);
    seenBytes += chunk.byteLength;
    if (seenBytes > asset.sizeBytes) throw differentRequest();
    hash.update(chunk);
  }
  const digest = hash.digest();
  if (sha256 !== null && !digest.equals(sha256)) throw fileDiffers(asset.filename);
  return { filename: asset.filename, contentHash: digest.toString('hex') };
}

function assertSameContent(assets: readonly Asset[], files: readonly ReadFile[]): void {
  const isSame = assets.every(({ contentHash }, index) => contentHash === files[index]?.contentHash);
  if (files.length !== assets.length || !isSame) throw differentRequest();
}

function assertSameRecord(assets: readonly Asset[], assetType: string, metadata: UploadMetadata): void {
  // The database gives back what JSON keeps.
  const kept: unknown = JSON.parse(JSON.stringify(metadata));
  for (const asset of assets) {
    const recorded: unknown = JSON.parse(JSON.stringify(asset.metadata));
    if (asset.assetType !== assetType || !isDeepStrictEqual(recorded, kept)) throw differentRequest();
  }
}
