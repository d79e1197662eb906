import type { StorageBackend } from '../backend.ts';
import type { Bucket } from '../bucket.ts';

/** What a law is tried on. */
export interface LawSubject {
  /** The backend itself, unchecked. */
  readonly backend: StorageBackend;
  /** The same backend as all other code sees it. */
  readonly bucket: Bucket;
  /** Prefix, ending in `/`, that no other law uses: buckets may be shared and need not be empty. */
  readonly base: string;
}

/** One promise of the contract: fulfilled when the backend keeps it, rejected when it does not. */
export type Law = (subject: LawSubject) => Promise<void>;

/** Laws by what they say. */
export type Laws = Readonly<Record<string, Law>>;
