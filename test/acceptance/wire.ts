/** An asset as DESIGN.md shows it to clients. */
export interface Asset {
  readonly asset_id: string;
  readonly asset_type: string;
  readonly filename: string;
  readonly original_filename: string;
  readonly key: string;
  readonly storage_url: string;
  /** The same, on S3. */
  readonly s3_url?: string;
  readonly presigned_url: string;
  readonly expiration_at: string;
  readonly size_bytes: number;
  readonly mime_type: string;
  readonly content_hash: string;
  readonly user_id: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly created_at: string;
}

/** The answer to an upload. */
export interface Uploads {
  readonly uploads: readonly Asset[];
}

/** One page of assets. */
export interface AssetPage {
  readonly assets: readonly Asset[];
  readonly next_cursor: string | null;
}

/** A read URL asked for by itself. */
export interface Presigned {
  readonly asset_id: string;
  readonly presigned_url: string;
  readonly expiration_at: string;
  readonly original_filename: string;
  readonly size_bytes: number;
}

/** One row of the access log. */
export interface LogEntry {
  readonly entry_id: string | number;
  readonly at: string;
  readonly action: string;
  readonly outcome: string;
  readonly reason: string | null;
  readonly user_id: string | null;
  readonly asset_id: string | null;
  readonly asset_type: string | null;
  readonly key: string | null;
  readonly ip_address: string | null;
  readonly user_agent: string | null;
  readonly storage_backend: string | null;
  readonly request_id: string | null;
}

/** One page of the access log. */
export interface LogPage {
  readonly entries: readonly LogEntry[];
  readonly next_cursor: string | null;
}

/** A failure (RFC 9457). */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly request_id: string;
  readonly error: string;
  readonly filename?: string;
  readonly declared?: string;
  readonly extension?: string;
  readonly detected?: string;
  readonly limit_bytes?: number;
}

/** The health document. */
export interface Health {
  readonly status: 'ok' | 'degraded';
  readonly dependencies: {
    readonly database: { readonly status: string; readonly latency_ms: number };
    readonly storage: { readonly status: string; readonly backend: string };
  };
}
