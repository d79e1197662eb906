import type { BackendName } from './clouds.ts';
import type { Store } from './store.ts';

/** The settings by which a service finds a real store, as the run has them in its environment. */
const SETTINGS =
  /^(?:STORAGE_BACKEND|S3_|AWS_|AZURE_|GCS_|GOOGLE_APPLICATION_CREDENTIALS$|HTTPS?_PROXY$|NO_PROXY$)/;

/**
 * A bucket of a real cloud, for `npm run test:live`: what the run's environment names. Services of one test share it, so
 * what was there when it was opened does not count; what came since is removed at the end.
 */
export async function openLiveStore(backend: Exclude<BackendName, 'local'>): Promise<Store> {
  const settings = Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) =>
      SETTINGS.test(name) && value !== undefined ? [[name, value]] : [],
    ),
  );
  const names = { s3: namesOnS3, azure: namesOnAzure, gcs: namesOnGoogle };
  const bucket = process.env.TEST_LIVE_BUCKET ?? '';
  const { list, remove } = await names[backend](bucket);
  const before = new Set(await list());
  const objects = async () => (await list()).filter((name) => !before.has(name));
  const cannot = () => Promise.reject(new Error('A real cloud can’t be cut.'));
  return {
    settings,
    urlBase: `${{ s3: 's3', azure: 'az', gcs: 'gs' }[backend]}://${bucket}/`,
    objects,
    cut: cannot,
    mend: cannot,
    async [Symbol.asyncDispose]() {
      for (const name of await objects()) await remove(name);
    },
  };
}

/** Objects of a bucket, asked for by the provider's own client: the tests are a stranger to Stowage's. */
interface Names {
  list(): Promise<readonly string[]>;
  remove(name: string): Promise<unknown>;
}

async function namesOnS3(bucket: string): Promise<Names> {
  const aws = await import('@aws-sdk/client-s3');
  const { S3_REGION, AWS_REGION, S3_ENDPOINT, S3_ACCESS_KEY, S3_SECRET_KEY } = process.env;
  const client = new aws.S3Client({
    region: S3_REGION ?? AWS_REGION ?? 'us-east-1',
    ...(S3_ENDPOINT === undefined ? {} : { endpoint: S3_ENDPOINT, forcePathStyle: true }),
    ...(S3_ACCESS_KEY === undefined || S3_SECRET_KEY === undefined
      ? {}
      : { credentials: { accessKeyId: S3_ACCESS_KEY, secretAccessKey: S3_SECRET_KEY } }),
  });
  return {
    async list() {
      const names: string[] = [];
      for await (const { Contents = [] } of aws.paginateListObjectsV2({ client }, { Bucket: bucket }))
        names.push(...Contents.map(({ Key }) => Key ?? ''));
      return names;
    },
    remove: (name) => client.send(new aws.DeleteObjectCommand({ Bucket: bucket, Key: name })),
  };
}

async function namesOnAzure(bucket: string): Promise<Names> {
  const { BlobServiceClient } = await import('@azure/storage-blob');
  const { DefaultAzureCredential } = await import('@azure/identity');
  const { AZURE_STORAGE_CONNECTION_STRING: connection, AZURE_ACCOUNT_URL: url = '' } = process.env;
  const service =
    connection === undefined
      ? new BlobServiceClient(url, new DefaultAzureCredential())
      : BlobServiceClient.fromConnectionString(connection);
  const container = service.getContainerClient(bucket);
  await container.createIfNotExists();
  return {
    async list() {
      const names: string[] = [];
      for await (const { name } of container.listBlobsFlat()) names.push(name);
      return names;
    },
    remove: (name) => container.deleteBlob(name),
  };
}

async function namesOnGoogle(bucket: string): Promise<Names> {
  const { Storage } = await import('@google-cloud/storage');
  const { GCS_CREDENTIALS_PATH } = process.env;
  const client = new Storage(GCS_CREDENTIALS_PATH === undefined ? {} : { keyFilename: GCS_CREDENTIALS_PATH });
  return {
    async list() {
      const [files] = await client.bucket(bucket).getFiles();
      return files.map((file) => file.name);
    },
    remove: (name) => client.bucket(bucket).file(name).delete(),
  };
}
