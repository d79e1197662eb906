import type { TokenCredential } from '@azure/identity';
import { MIB } from '../../core/bytes.ts';
import type { Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import type { CallOptions, StorageBackend } from '../backend.ts';
import type { Patience } from '../patience.ts';

/** Where and how to store on Azure Blob Storage. */
export interface AzureOptions {
  readonly container: string;
  /** Account and its key in one text; null: a token of the machine for `accountUrl`. */
  readonly connectionString: string | null;
  /** `https://<account>.blob.core.windows.net`; needed without a connection string. */
  readonly accountUrl: string | null;
  /** Where tokens come from; absent: the environment, the workload's identity, the machine's identity, the developer's login. */
  readonly tokenCredential?: TokenCredential;
  /** How long the store is waited for; absent: {@link DEFAULT_PATIENCE}. */
  readonly patience?: Patience;
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
