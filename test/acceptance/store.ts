import { randomUUID } from 'node:crypto';
import { existsSync, lstatSync, readdirSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import path from 'node:path';
import type { BackendName } from './clouds.ts';
import { until } from './until.ts';

/** Where a service keeps its files: a bucket of its own on a server that checks signatures, or a directory. */
export interface Store extends AsyncDisposable {
  /** The settings that make a service use it. */
  readonly settings: Readonly<Record<string, string>>;
  /** What `storage_url` begins with, before the key. */
  readonly urlBase: string;
  /** Names of what uploads have left there. */
  objects(): Promise<readonly string[]>;
  /** Breaks every connection and takes no new ones, as a store that is gone. Local disk can't. */
  cut(): Promise<void>;
  /** Is there again, on the same port, with all it had. */
  mend(): Promise<void>;
}

/** Opens a store that is empty. On local disk it is below `directory`. */
export async function openStore(backend: BackendName, directory: string): Promise<Store> {
  if (process.env.TEST_LIVE === '1' && backend !== 'local') {
    const { openLiveStore } = await import('./live-store.ts');
    return openLiveStore(backend);
  }
  switch (backend) {
    case 'local':
      return openDirectory(path.join(directory, 'objects'));
    case 's3':
      return openS3(process.env.TEST_CEPH_ENDPOINT);
    case 'azure':
      return openAzure();
    case 'gcs':
      return openGcs();
  }
}

async function openDirectory(root: string): Promise<Store> {
  const cannot = () => Promise.reject(new Error('A disk is taken away by moving its directory.'));
  return {
    settings: { LOCAL_STORAGE_PATH: root },
    urlBase: 'local://',
    async objects() {
      if (!existsSync(root)) return [];
      await secondNamesGone(path.join(root, 'tmp'));
      return readdirSync(root, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => path.join(entry.parentPath, entry.name))
        .filter((file) => !file.startsWith(path.join(root, 'journal')));
    },
    ...{ cut: cannot, mend: cannot },
    [Symbol.asyncDispose]: async () => {},
  };
}

/** An upload is answered before the temporary name of its file is removed: waits for that, as long as it may take on a busy machine. */
async function secondNamesGone(directory: string): Promise<void> {
  const isSecond = (name: string) =>
    (lstatSync(path.join(directory, name), { throwIfNoEntry: false })?.nlink ?? 0) > 1;
  const seconds = async () => (existsSync(directory) ? readdirSync(directory).filter(isSecond) : []);
  await until(seconds, (names) => names.length === 0, 2);
}

/** @param ceph where a Ceph gateway is; without one, the small server of this repository is started. */
export async function openS3(ceph: string | undefined): Promise<Store> {
  // Loaded only by runs that need them.
  const aws = await import('@aws-sdk/client-s3');
  const { startS3Server } = await import('../servers/s3/server.ts');
  const { OWNER, USERS } = await import('../servers/s3/test-users.ts');
  const server = ceph === undefined ? await startS3Server({ users: USERS }) : null;
  const line = await openLine(ceph ?? server?.origin ?? '');
  const bucket = `acceptance-${randomUUID()}`;
  const client = new aws.S3Client({
    ...{ endpoint: ceph ?? server?.origin ?? '', region: 'us-east-1', forcePathStyle: true },
    credentials: OWNER,
  });
  await client.send(new aws.CreateBucketCommand({ Bucket: bucket }));
  return {
    urlBase: `s3://${bucket}/`,
    settings: {
      STORAGE_BACKEND: 's3',
      S3_BUCKET_NAME: bucket,
      S3_REGION: 'us-east-1',
      S3_ENDPOINT: line.origin,
      S3_ACCESS_KEY: OWNER.accessKeyId,
      S3_SECRET_KEY: OWNER.secretAccessKey,
    },
    async objects() {
      const keys: string[] = [];
      for await (const { Contents = [] } of aws.paginateListObjectsV2({ client }, { Bucket: bucket }))
        keys.push(...Contents.map(({ Key }) => Key ?? ''));
      return keys;
    },
    ...{ cut: line.cut, mend: line.mend },
    async [Symbol.asyncDispose]() {
      client.destroy();
      await line.cut();
      await server?.[Symbol.asyncDispose]();
    },
  };
}

async function openAzure(): Promise<Store> {
  const { ContainerClient } = await import('@azure/storage-blob');
  const { startAzurite } = await import('../servers/azurite.ts');
  const azurite = await startAzurite();
  const line = await openLine(azurite.accountUrl);
  const name = `acceptance-${randomUUID()}`;
  const container = new ContainerClient(azurite.connectionString, name);
  return {
    urlBase: `az://${name}/`,
    settings: {
      STORAGE_BACKEND: 'azure',
      AZURE_STORAGE_CONNECTION_STRING: azurite.connectionString.replace(azurite.accountUrl, line.url),
      AZURE_CONTAINER_NAME: name,
    },
    async objects() {
      const names: string[] = [];
      for await (const blob of container.listBlobsFlat()) names.push(blob.name);
      return names;
    },
    ...{ cut: line.cut, mend: line.mend },
    async [Symbol.asyncDispose]() {
      await line.cut();
      await azurite[Symbol.asyncDispose]();
    },
  };
}

async function openGcs(): Promise<Store> {
  const { startGcsServer } = await import('../servers/gcs/server.ts');
  const { makeTestAccount } = await import('../servers/gcs/test-account.ts');
  const account = await makeTestAccount();
  const bucket = `acceptance-${randomUUID()}`;
  const server = await startGcsServer({
    accounts: new Map([[account.email, account.publicKey]]),
    buckets: [bucket],
  });
  const line = await openLine(server.origin);
  return {
    urlBase: `gs://${bucket}/`,
    settings: {
      STORAGE_BACKEND: 'gcs',
      GCS_BUCKET_NAME: bucket,
      GCS_CREDENTIALS_PATH: account.keyFilePath,
      GCS_ENDPOINT: line.origin,
    },
    objects: async () => [...(server.buckets.get(bucket)?.objects.keys() ?? [])],
    ...{ cut: line.cut, mend: line.mend },
    async [Symbol.asyncDispose]() {
      await line.cut();
      await server[Symbol.asyncDispose]();
      await account[Symbol.asyncDispose]();
    },
  };
}

/** A port that leads to a server until it is cut. */
interface Line {
  readonly origin: string;
  /** The server's URL with the port of the line. */
  readonly url: string;
  cut(): Promise<void>;
  mend(): Promise<void>;
}

async function openLine(targetUrl: string): Promise<Line> {
  const target = new URL(targetUrl);
  const open = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(Number(target.port), target.hostname);
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        open.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  });
  const listen = (port: number) =>
    new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', () => {
        server.off('error', reject);
        resolve();
      });
    });
  await listen(0);
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The line has no port.');
  const { port } = address;
  const origin = `http://127.0.0.1:${port}`;
  return {
    origin,
    url: targetUrl.replace(target.origin, origin),
    async cut() {
      if (!server.listening) return;
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of open) socket.resetAndDestroy();
      await closed;
    },
    mend: () => listen(port),
  };
}
