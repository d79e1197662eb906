import type { Asset, UploadCommit } from './catalog.ts';

/** An upload that waits to be recorded. */
export interface PendingCommit {
  readonly upload: UploadCommit;
  readonly nowMs: number;
}

/** What became of one upload of a batch. */
export interface Verdict {
  readonly verdict: 'recorded' | 'rate_limited' | 'conflict';
  readonly files_used: number | null;
  readonly window_ends_at: Date | null;
}

/** An asset as the columns of `assets`, for JSON. */
export function assetColumns(asset: Omit<Asset, 'state'>): object {
  return {
    id: asset.assetId,
    tenant_id: asset.tenantId,
    user_id: asset.userId,
    s3_key: asset.key,
    original_filename: asset.filename,
    file_size: asset.sizeBytes,
    mime_type: asset.mediaType,
    asset_type: asset.assetType,
    metadata: asset.metadata,
    content_hash: asset.contentHash,
    backend: asset.backend,
    created_at: new Date(asset.createdAtMs).toISOString(),
  };
}
