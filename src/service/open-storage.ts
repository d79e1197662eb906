import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Config, S3Config, StorageConfig } from '../config/config.ts';
import { ConfigError } from '../config/problems.ts';
import type { BackendName } from '../core/backend-name.ts';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { LocalFiles } from '../http/deps.ts';
import { DEFAULT_BREAKER, withBreaker } from '../storage/breaker.ts';
import {
  Bucket,
  createSignedUrls,
  type LocalBackend,
  openLocalBackend,
  type StorageBackend,
} from '../storage/index.ts';
import { FORMAT_FILE } from '../storage/local/layout.ts';
import type { S3Credentials } from '../storage/s3/sign.ts';
import { type OpenableStores, openableStores } from '../storage/stores.ts';
import { makeSettingDirectory } from './setting-directory.ts';
import { signedWriteOf } from './signed-write-of.ts';

/** The stores of a configuration. */
export interface OpenStorage {
  /** Where new files go: the store that `STORAGE_BACKEND` names. */
  readonly bucket: Bucket;
  /** All that have settings; the others are opened when a record names them. */
  readonly stores: OpenableStores<Bucket>;
  /** The signed URLs of the local backend, whether new files go there or not. */
  readonly localFiles: Pick<LocalFiles, 'urls'> & { open(): Promise<LocalBackend> };
  /** Whether new files go to local disk and its store was not there: made just now, and empty. */
  readonly isNew: boolean;
  /** Backends that can hold files, that of `bucket` first. */
  backends(): readonly BackendName[];
}

/** What opening a store needs besides the settings. */
export interface StorageSurroundings {
  /** What clients reach this service by, without a trailing slash. */
  readonly publicUrl: string | (() => string);
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Opens the store that the settings name, and makes the others ready to be opened.
 *
 * @throws ConfigError; StowageError when the store can't be used. S3 and GCS are asked first by the health check.
 */
export async function openStorage(
  config: Pick<Config, 'storage'>,
  surroundings: StorageSurroundings,
): Promise<OpenStorage> {
  const { storage } = config;
  let local: Promise<LocalBackend> | undefined;
  const openLocal = (): Promise<LocalBackend> => {
    local ??= openLocalBackend({
      root: storage.local.path,
      signingSecrets: storage.signingSecrets,
      ...surroundings,
    }).catch((error: unknown) => {
      local = undefined;
      throw error;
    });
    return local;
  };
  const open = async (backend: BackendName): Promise<Bucket> => {
    if (backend === 'local') return new Bucket(await openLocal());
    const cloud = await openCloud(storage, backend, surroundings);
    return new Bucket(
      withBreaker(cloud, { ...DEFAULT_BREAKER, clock: surroundings.clock, log: surroundings.log }),
    );
  };
  if (storage.backend === 'local') makeSettingDirectory('LOCAL_STORAGE_PATH', storage.local.path);
  const isNew = storage.backend === 'local' && !hasLocalStore(storage);
  const bucket = await open(storage.backend);
  const stores = openableStores(bucket, open);
  const urls = createSignedUrls({
    signingSecrets: storage.signingSecrets,
    publicUrl: surroundings.publicUrl,
  });
  return {
    bucket,
    stores,
    localFiles: {
      urls,
      async open() {
        // Opened through the stores, which close it.
        await stores.of('local');
        return await openLocal();
      },
    },
    isNew,
    backends: () => backendsOf(storage),
  };
}

function hasLocalStore({ local }: StorageConfig): boolean {
  return existsSync(join(local.path, FORMAT_FILE));
}

/** Backends with settings; local disk when there is a store. */
function backendsOf(storage: StorageConfig): readonly BackendName[] {
  const isThere: Readonly<Record<StorageConfig['backend'], boolean>> = {
    local: hasLocalStore(storage),
    s3: storage.s3 !== null,
    azure: storage.azure !== null,
    gcs: storage.gcs !== null,
  };
  const others = (['local', 's3', 'azure', 'gcs'] as const).filter(
    (backend) => backend !== storage.backend && isThere[backend],
  );
  return [storage.backend, ...others];
}

/** Opens the store of a cloud; its client is loaded only here. */
async function openCloud(
  storage: Config['storage'],
  backend: BackendName,
  parts: Pick<StorageSurroundings, 'clock' | 'log'>,
): Promise<StorageBackend> {
  const { clock, log } = parts;
  if (backend === 's3' && storage.s3 !== null) {
    const { openS3Backend } = await import('../storage/s3/backend.ts');
    const { credentials, ...options } = storage.s3;
    return openS3Backend({
      ...options,
      clock,
      log,
      credentials: keysOf(credentials),
      signedWrite: signedWriteOf(options.endpoint),
    });
  }
  if (backend === 'azure' && storage.azure !== null) {
    const { openAzureBackend } = await import('../storage/azure/backend.ts');
    const opened = await openAzureBackend({ ...storage.azure, clock, log });
    await opened.ensureContainer({});
    return opened;
  }
  if (backend === 'gcs' && storage.gcs !== null) {
    const { openGcsBackend } = await import('../storage/gcs/backend.ts');
    const { bucket, credentialsPath, endpoint } = storage.gcs;
    return openGcsBackend({ bucket, credentialsPath, endpoint, clock, log });
  }
  throw new ConfigError([`Files are on ${backend}, but its settings are missing or incomplete`]);
}

function keysOf(credentials: S3Config['credentials']): S3Credentials | null {
  if (credentials === null) return null;
  const { sessionToken, ...keys } = credentials;
  return sessionToken === null ? keys : { ...keys, sessionToken };
}
