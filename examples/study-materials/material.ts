import type { Asset } from 'stowage';

/** A row of `study_materials` with what Stowage knows about its file. */
export interface MaterialRow {
  readonly file_id: string;
  readonly title: string;
  readonly s3_key: string;
  readonly filename: string;
  readonly size_bytes: string;
  readonly mime_type: string;
  readonly created_at: Date;
}

/** The file's record lies beside the row: one statement reads both. */
export const MATERIALS = `select file_id, title, material.s3_key, original_filename as filename,
    file_size as size_bytes, mime_type, material.created_at
  from study_materials material join public.assets on id = file_id and state = 'stored'`;

/** A study material as the API answers it. */
export function materialJson(row: MaterialRow) {
  return {
    ...row,
    size_bytes: Number(row.size_bytes),
    download_url: `/api/v1/user-content/download/${row.file_id}`,
  };
}

/** What a file is called when its owner says nothing. */
export function titleOf(asset: Asset, given: string | undefined): string {
  return (given?.trim() || asset.filename).slice(0, 200);
}
