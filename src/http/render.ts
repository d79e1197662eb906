import type { Asset, StoredAccessEntry } from '../catalog/catalog.ts';
import type { RecordUrl } from '../delivery/asset-urls.ts';
import type { AssetJson, LogEntryJson, UploadInstructionsJson, UploadPartJson } from '../protocol/index.ts';
import type { SignedPart, UploadInstructions } from '../uploads/direct/instructions.ts';

/** An asset as clients see it. */
export function renderAsset(asset: Asset, url: RecordUrl): AssetJson {
  return {
    asset_id: asset.assetId,
    asset_type: asset.assetType,
    filename: asset.filename,
    original_filename: asset.filename,
    key: asset.key,
    storage_url: url.storageUrl,
    ...(asset.backend === 's3' ? { s3_url: url.storageUrl } : {}),
    presigned_url: url.url,
    expiration_at: url.expiresAtMs === null ? null : renderTime(url.expiresAtMs),
    size_bytes: asset.sizeBytes,
    mime_type: asset.mediaType,
    content_hash: asset.contentHash,
    user_id: asset.userId,
    metadata: asset.metadata,
    created_at: renderTime(asset.createdAtMs),
  };
}

/** How a file is sent straight to the store, as clients see it. */
export function renderInstructions(instructions: UploadInstructions): UploadInstructionsJson {
  const common = {
    upload_id: instructions.uploadId,
    method: instructions.method,
    expires_at: renderTime(instructions.expiresAtMs),
    size_enforced_by: instructions.sizeEnforcedBy,
  };
  switch (instructions.method) {
    case 'put':
      return { ...common, url: instructions.url, headers: instructions.headers };
    case 'post':
      return { ...common, url: instructions.url, fields: instructions.fields };
    case 'multipart':
      return {
        ...common,
        parts: instructions.parts.map(renderPart),
        part_count: instructions.partCount,
        part_size_bytes: instructions.partBytes,
      };
  }
}

/** How one part is sent, as clients see it. */
export function renderPart(part: SignedPart): UploadPartJson {
  return {
    part_number: part.partNumber,
    size_bytes: part.sizeBytes,
    url: part.url,
    headers: part.headers,
    expires_at: renderTime(part.expiresAtMs),
  };
}

/** An entry of the access log as clients see it. */
export function renderEntry(entry: StoredAccessEntry): LogEntryJson {
  return {
    entry_id: entry.entryId,
    at: renderTime(entry.atMs),
    action: entry.action,
    outcome: entry.outcome,
    reason: entry.reason,
    user_id: entry.userId,
    asset_id: entry.assetId,
    asset_type: entry.assetType,
    key: entry.key,
    ip_address: entry.ipAddress,
    user_agent: entry.userAgent,
    storage_backend: entry.storageBackend,
    request_id: entry.requestId,
  };
}

/** RFC 3339, UTC, milliseconds. */
export function renderTime(ms: number): string {
  return new Date(ms).toISOString();
}
