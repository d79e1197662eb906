import type { TokenCredential } from '@azure/identity';
import { MIB } from '../../core/bytes.ts';
import type { Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import type { CallOptions, StorageBackend } from '../backend.ts';

/** Where and how to store on Azure Blob Storage. */
export interface AzureOptions {
  readonly container: string;
  /** Account and its key in one text; null: a token of the machine for `accountUrl`. */
  readonly connectionString: string | null;
  /** `https://<account>.blob.core.windows.net`; needed without a connection string. */
  readonly accountUrl: string | null;
  /** Where tokens come from; absent: the environment, the workload's identity, the machine's identity, the developer's login. */
  readonly tokenCredential?: TokenCredential;
  readonly clock: Clock;
  readonly log: Log;
}

/** The store and what only the service's start does with it. */
export interface AzureBackend extends StorageBackend {
  /**
   * Makes the container, private, when it is missing.
   *
   * @throws StowageError `storage_denied` when the container lets strangers read or the account refuses us.
   */
  ensureContainer(options: CallOptions): Promise<'created' | 'present'>;
}

/** Most blocks of one blob. */
export const PARTS_MAX = 50_000;
/** Largest block we send or copy, in bytes: it is held in memory while it is sent. */
export const PART_BYTES_MAX = 100 * MIB;
/** Most deletes of one batch request. */
export const BATCH_DELETES_MAX = 256;
/** Connections to the store, over all requests of the process. */
export const CONNECTIONS_MAX = 64;
/** Time for the store to begin its answer, in milliseconds, besides what the body of the request takes. */
export const ANSWER_TIMEOUT_MS = 30_000;
/** Slowest transfer of a request's body that is waited for, in bytes per millisecond. */
export const SEND_BYTES_PER_MS_MIN = MIB / 1000;
/** Longest silence in the middle of an answer's body, in milliseconds. */
export const BODY_TIMEOUT_MS = 30_000;
/** Time to open a connection, in milliseconds. */
export const CONNECT_TIMEOUT_MS = 5_000;
