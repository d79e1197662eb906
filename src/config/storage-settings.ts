import { isAbsolute, join, resolve } from 'node:path';
import type { AzureConfig, Config, GcsConfig, S3Config, StorageConfig } from './config.ts';
import type { Environment } from './look-alikes.ts';
import type { SettingReader } from './setting-reader.ts';

/**
 * Reads which backend new files go to and what it needs. Other backends that are set up can hold files too; their settings
 * count when they are complete, and are no reason not to start.
 */
export function readStorage(
  read: SettingReader,
  where: { readonly env: Environment; readonly cwd: string; readonly dataDir: string },
): Omit<StorageConfig, 'signingSecrets'> {
  const backend = readBackend(read, where.env);
  const path = read.text('LOCAL_STORAGE_PATH') ?? join(where.dataDir, 'files');
  return {
    backend,
    signedUrlSeconds: read.integer('SIGNED_URL_EXPIRATION_SECONDS', {
      fallback: 3600,
      min: 60,
      max: 604_800,
    }),
    local: { path: isAbsolute(path) ? path : resolve(where.cwd, path) },
    encryptionKey: readEncryptionKey(read),
    s3: backend === 's3' ? readS3(read) : complete(read, BUCKET_SETTINGS.s3, readS3),
    azure: backend === 'azure' ? readAzure(read) : complete(read, BUCKET_SETTINGS.azure, readAzure),
    gcs:
      backend === 'gcs'
        ? readGcs(read, where.cwd)
        : complete(read, BUCKET_SETTINGS.gcs, (aside) => readGcs(aside, where.cwd)),
  };
}

/** The settings of a backend that new files do not go to; null when it is not set up, or not completely. */
function complete<Settings>(
  read: SettingReader,
  bucketSetting: string,
  readSettings: (read: SettingReader) => Settings,
): Settings | null {
  if (read.text(bucketSetting) === null) return null;
  const problems: string[] = [];
  const settings = readSettings(read.aside(problems));
  return problems.length === 0 ? settings : null;
}

/** The setting by which a backend is set up, though new files do not go there. */
const BUCKET_SETTINGS = {
  s3: 'S3_BUCKET_NAME',
  azure: 'AZURE_CONTAINER_NAME',
  gcs: 'GCS_BUCKET_NAME',
} as const;

/** What works and should be seen all the same. */
export function storageWarnings(
  config: Pick<Config, 'environment' | 'storage'>,
  read: SettingReader,
): string[] {
  const { environment, storage } = config;
  const warnings = (['s3', 'azure', 'gcs'] as const)
    .filter((backend) => storage[backend] === null && read.text(BUCKET_SETTINGS[backend]) !== null)
    .map(
      (backend) =>
        `${read.source(BUCKET_SETTINGS[backend])} is set, but the other settings of ${backend} are not complete: files that are there can't be read.`,
    );
  if (environment === 'production' && storage.backend === 'local') {
    warnings.push(
      'Files are kept on the local disk in production: back up LOCAL_STORAGE_PATH, and run one node only.',
    );
  }
  return warnings;
}

function readBackend(read: SettingReader, env: Environment): StorageConfig['backend'] {
  const named = read.choice('STORAGE_BACKEND', ['local', 's3', 'azure', 'gcs'], 'local');
  const useS3 = env.USE_S3?.trim().toLowerCase() ?? '';
  if (!['', 'true', '1', 'false', '0'].includes(useS3)) read.problem('USE_S3', 'must be true or false');
  if (useS3 !== 'true' && useS3 !== '1') return named;
  if (read.text('STORAGE_BACKEND') !== null && named !== 's3') {
    read.problem('USE_S3', 'and STORAGE_BACKEND contradict each other; keep one');
  }
  return 's3';
}

function readEncryptionKey(read: SettingReader): Uint8Array | null {
  const text = read.text('ENCRYPTION_KEY');
  if (text === null) return null;
  const isHex = /^[0-9a-f]{64}$/i.test(text);
  const isBase64 = /^[A-Za-z0-9+/_-]{43}=?$/.test(text);
  if (!isHex && !isBase64) read.problem('ENCRYPTION_KEY', 'must be 32 bytes in base64 or hex');
  // Storing plain files for someone who asked for encrypted ones would be the worst answer.
  else
    read.problem(
      'ENCRYPTION_KEY',
      'is set, but this version does not encrypt files on local disk yet; unset it',
    );
  return null;
}

function readS3(read: SettingReader): S3Config {
  const endpoint = read.httpUrl('S3_ENDPOINT');
  const sse = read.choice('S3_SSE', ['AES256', 'aws:kms'], 'AES256');
  const kmsKeyId = read.text('S3_KMS_KEY_ID');
  if (kmsKeyId !== null && sse !== 'aws:kms') read.problem('S3_KMS_KEY_ID', 'is set without S3_SSE=aws:kms');
  return {
    bucket: required(read, 'S3_BUCKET_NAME', 's3', /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/),
    region: required(read, 'S3_REGION', 's3', /^[a-z0-9-]{1,40}$/),
    credentials: readS3Credentials(read),
    endpoint,
    publicEndpoint: read.httpUrl('S3_PUBLIC_ENDPOINT'),
    forcePathStyle: read.boolean('S3_FORCE_PATH_STYLE', endpoint !== null),
    sse,
    kmsKeyId,
  };
}

function readS3Credentials(read: SettingReader): S3Config['credentials'] {
  const accessKeyId = read.text('S3_ACCESS_KEY');
  const secretAccessKey = read.text('S3_SECRET_KEY');
  if (accessKeyId === null && secretAccessKey === null) return null;
  if (accessKeyId === null || secretAccessKey === null) {
    const [present, missing] =
      accessKeyId === null ? ['S3_SECRET_KEY', 'S3_ACCESS_KEY'] : ['S3_ACCESS_KEY', 'S3_SECRET_KEY'];
    read.problem(present, `is set without ${missing}`);
    return null;
  }
  const isAwsName = (name: string): boolean => read.source(name).startsWith('AWS_');
  if (isAwsName('S3_ACCESS_KEY') !== isAwsName('S3_SECRET_KEY')) {
    read.problem(
      'S3_ACCESS_KEY',
      `and ${read.source('S3_SECRET_KEY')} mix two sets of keys; set both by one set of names`,
    );
  }
  // A session token belongs to the temporary keys it came with, never to other keys.
  const tokenBelongs = isAwsName('S3_SESSION_TOKEN') === isAwsName('S3_ACCESS_KEY');
  return { accessKeyId, secretAccessKey, sessionToken: tokenBelongs ? read.text('S3_SESSION_TOKEN') : null };
}

function readAzure(read: SettingReader): AzureConfig {
  const connectionString = read.text('AZURE_STORAGE_CONNECTION_STRING');
  const accountUrl = read.httpUrl('AZURE_ACCOUNT_URL');
  if (connectionString === null && accountUrl === null) {
    read.problem(
      'AZURE_STORAGE_CONNECTION_STRING',
      'is missing: STORAGE_BACKEND=azure needs it or AZURE_ACCOUNT_URL',
    );
  }
  if (
    connectionString !== null &&
    !/AccountName=|UseDevelopmentStorage=true|SharedAccessSignature=/i.test(connectionString)
  ) {
    read.problem('AZURE_STORAGE_CONNECTION_STRING', 'names no account');
  }
  return {
    connectionString,
    accountUrl,
    container: required(read, 'AZURE_CONTAINER_NAME', 'azure', /^(?!.*--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/),
  };
}

function readGcs(read: SettingReader, cwd: string): GcsConfig {
  const credentialsPath = read.text('GCS_CREDENTIALS_PATH');
  return {
    bucket: required(read, 'GCS_BUCKET_NAME', 'gcs', /^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$/),
    projectId: read.text('GCS_PROJECT_ID'),
    credentialsPath: credentialsPath === null ? null : resolve(cwd, credentialsPath),
    endpoint: read.httpUrl('GCS_ENDPOINT'),
  };
}

function required(read: SettingReader, name: string, backend: string, pattern: RegExp): string {
  const text = read.text(name);
  if (text === null) read.problem(name, `is missing: STORAGE_BACKEND=${backend} needs it`);
  else if (!pattern.test(text)) read.problem(name, `is not a valid name`);
  return text ?? '';
}
