import type { Config, S3Config } from '../config/config.ts';
import { ConfigError } from '../config/problems.ts';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import { DEFAULT_BREAKER, withBreaker } from '../storage/breaker.ts';
import { Bucket, type LocalBackend, openLocalBackend, type StorageBackend } from '../storage/index.ts';
import type { S3Credentials } from '../storage/s3/sign.ts';

/** The store of a configuration. */
export interface OpenStorage {
  readonly bucket: Bucket;
  /** The local backend itself, for what only our own server can do; null on the clouds. */
  readonly local: LocalBackend | null;
}

/** What opening a store needs besides the settings. */
export interface StorageSurroundings {
  /** What clients reach this service by, without a trailing slash. */
  readonly publicUrl: string;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Opens the store that the settings name.
 *
 * @throws ConfigError; StowageError when the store can't be used. S3 and GCS are asked first by the health check.
 */
export async function openStorage(
  config: Pick<Config, 'storage'>,
  surroundings: StorageSurroundings,
): Promise<OpenStorage> {
  const { storage } = config;
  const { clock, log } = surroundings;
  if (storage.backend === 'local') {
    const local = await openLocalBackend({
      root: storage.local.path,
      signingSecrets: storage.signingSecrets,
      ...surroundings,
    });
    return { bucket: new Bucket(local), local };
  }
  const cloud = await openCloud(storage, { clock, log });
  return { bucket: new Bucket(withBreaker(cloud, { ...DEFAULT_BREAKER, clock })), local: null };
}

/** Opens the store of a cloud; its client is loaded only here. */
async function openCloud(
  storage: Config['storage'],
  parts: Pick<StorageSurroundings, 'clock' | 'log'>,
): Promise<StorageBackend> {
  if (storage.s3 !== null) {
    const { openS3Backend } = await import('../storage/s3/backend.ts');
    const { credentials, ...options } = storage.s3;
    return openS3Backend({
      ...options,
      ...parts,
      credentials: keysOf(credentials),
      signedWrite: signedWriteOf(options.endpoint),
    });
  }
  if (storage.azure !== null) {
    const { openAzureBackend } = await import('../storage/azure/backend.ts');
    const backend = await openAzureBackend({ ...storage.azure, ...parts });
    await backend.ensureContainer({});
    return backend;
  }
  if (storage.gcs !== null) {
    const { openGcsBackend } = await import('../storage/gcs/backend.ts');
    const { bucket, credentialsPath, endpoint } = storage.gcs;
    return openGcsBackend({ bucket, credentialsPath, endpoint, ...parts });
  }
  throw new ConfigError([`STORAGE_BACKEND is ${storage.backend}, but none of its settings is there`]);
}

function keysOf(credentials: S3Config['credentials']): S3Credentials | null {
  if (credentials === null) return null;
  const { sessionToken, ...keys } = credentials;
  return sessionToken === null ? keys : { ...keys, sessionToken };
}

// Cloudflare R2 takes no form posts.
function signedWriteOf(endpoint: string | null): 'post' | 'put' {
  return endpoint !== null && new URL(endpoint).hostname.endsWith('.r2.cloudflarestorage.com')
    ? 'put'
    : 'post';
}
