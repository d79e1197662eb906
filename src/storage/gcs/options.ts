import { KIB, MIB } from '../../core/bytes.ts';
import type { Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import type { Patience } from '../patience.ts';

/** Where and how to store on Google Cloud Storage. */
export interface GcsOptions {
  readonly bucket: string;
  /** Path of a key file; null asks for application default credentials. */
  readonly credentialsPath: string | null;
  /**
   * Base URL of the store; null: Google's. Plain http is for a test server on this machine only, and gets tokens that
   * the key file signs itself: they open nothing anywhere else.
   */
  readonly endpoint: string | null;
  /** A scope of tokens for other work than storing: only provisioning changes buckets. */
  readonly scope?: 'devstorage.full_control';
  /** How long the store is waited for; absent: {@link DEFAULT_PATIENCE}. */
  readonly patience?: Patience;
  readonly clock: Clock;
  readonly log: Log;
}

export const GOOGLE_ENDPOINT = 'https://storage.googleapis.com';

/**
 * Bytes sent by one request of a resumable session; a body that ends within it goes up in a single request.
 * Sessions take multiples of 256 KiB.
 */
export const CHUNK_BYTES = 8 * MIB;
/** Chunks of a session are multiples of this, but the last one. */
export const CHUNK_GRAIN_BYTES = 256 * KIB;
/** Connections to the store, over all requests of the process. */
export const CONNECTIONS_MAX = 64;
/** Single deletes of one `deleteMany` on the wire at once. */
export const DELETES_IN_FLIGHT_MAX = 32;
/** Time for cleaning up after a failure, whatever happened to the caller's signal, in milliseconds. */
export const CLEAN_UP_TIMEOUT_MS = 3_000;
