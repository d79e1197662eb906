import { randomUUID } from 'node:crypto';
import { BlobServiceClient } from '@azure/storage-blob';
import { type Clock, systemClock } from '../../src/core/clock.ts';
import { type Log, silentLog } from '../../src/core/log.ts';
import { openAzureBackend } from '../../src/storage/azure/backend.ts';
import type { StorageBackend } from '../../src/storage/backend.ts';
import { openGcsBackend } from '../../src/storage/gcs/backend.ts';
import type { Patience } from '../../src/storage/patience.ts';
import { openS3Backend } from '../../src/storage/s3/backend.ts';
import { S3Client } from '../../src/storage/s3/client.ts';
import { startAzurite } from '../servers/azurite.ts';
import type { Fault } from '../servers/chaos/proxy.ts';
import { startGcsServer } from '../servers/gcs/server.ts';
import { makeTestAccount } from '../servers/gcs/test-account.ts';
import { startS3Server } from '../servers/s3/server.ts';
import { OWNER, USERS } from '../servers/s3/test-users.ts';

/** How a store is reached by one test. */
export interface Reach {
  /** Port of the way to it: the proxy's, or one where nobody listens. */
  readonly port: number;
  readonly host?: string;
  readonly patience?: Patience;
  readonly clock?: Clock;
  readonly log?: Log;
}

/** A real server of one provider's protocol, and what this provider says when something is wrong. */
export interface Store extends AsyncDisposable {
  readonly name: string;
  /** Where the server listens. */
  readonly port: number;
  /** Opens the bucket of this test; the first time it is made. */
  open(reach: Reach): Promise<StorageBackend>;
  /** Removes the bucket behind Stowage's back. */
  dropBucket(): Promise<void>;
  readonly says: {
    /** A fault inside the store: status 500. */
    readonly broken: Fault;
    /** Too many requests for it: status 503. */
    readonly busy: Fault;
    /** Our credentials are over. */
    readonly expired: Fault;
    /** Our clock is off. */
    readonly skewed: Fault;
  };
  /** The store's own word for each of these, as the log has it. */
  readonly words: Readonly<Record<keyof Store['says'], string>>;
}

/** Marks that the answers of {@link Store.says} carry: none of them may reach a client. */
export const SECRET_MARKS = ['secret-bucket', 'secret-host', 'REQ-4711'];

/** S3 on Ceph where it is installed, else on the small server of this repository. */
export async function openS3Store(): Promise<Store> {
  const ceph = process.env.TEST_CEPH_ENDPOINT;
  const server = ceph === undefined ? await startS3Server({ users: USERS }) : null;
  const origin = ceph ?? server?.origin ?? '';
  const bucket = `chaos-${randomUUID()}`;
  const optionsAt = (endpoint: string, reach: Partial<Reach>) => ({
    ...{ bucket, region: 'us-east-1', credentials: OWNER, endpoint, publicEndpoint: null },
    ...({ forcePathStyle: true, sse: 'AES256', kmsKeyId: null, signedWrite: 'post' } as const),
    ...{ clock: reach.clock ?? systemClock, log: reach.log ?? silentLog },
    ...(reach.patience === undefined ? {} : { patience: reach.patience }),
  });
  const onBucket = async (method: 'PUT' | 'DELETE') => {
    const client = new S3Client(optionsAt(origin, {}));
    await client.callForText({ method, key: null });
    await client.close();
  };
  await onBucket('PUT');
  const refusal = (status: number, code: string): Fault => ({
    status,
    headers: { 'content-type': 'application/xml', 'x-amz-request-id': 'REQ-4711' },
    body: `<?xml version="1.0"?><Error><Code>${code}</Code><Message>secret-bucket on secret-host</Message><RequestId>REQ-4711</RequestId></Error>`,
  });
  return {
    name: ceph === undefined ? 'S3' : 'S3 on Ceph',
    port: Number(new URL(origin).port),
    open: async (reach) =>
      openS3Backend(optionsAt(`http://${reach.host ?? '127.0.0.1'}:${reach.port}`, reach)),
    dropBucket: () => onBucket('DELETE'),
    says: {
      broken: refusal(500, 'InternalError'),
      busy: refusal(503, 'SlowDown'),
      expired: refusal(400, 'ExpiredToken'),
      skewed: refusal(403, 'RequestTimeTooSkewed'),
    },
    words: {
      broken: 'InternalError',
      busy: 'SlowDown',
      expired: 'ExpiredToken',
      skewed: 'RequestTimeTooSkewed',
    },
    [Symbol.asyncDispose]: async () => server?.[Symbol.asyncDispose](),
  };
}

/** Azure Blob Storage on Microsoft's emulator. */
export async function openAzureStore(): Promise<Store> {
  const azurite = await startAzurite();
  const container = `chaos-${randomUUID()}`;
  const port = Number(new URL(azurite.accountUrl).port);
  const owner = BlobServiceClient.fromConnectionString(azurite.connectionString).getContainerClient(
    container,
  );
  await owner.create();
  const refusal = (status: number, code: string): Fault => ({
    status,
    headers: { 'content-type': 'application/xml', 'x-ms-error-code': code, 'x-ms-request-id': 'REQ-4711' },
    body: `<?xml version="1.0"?><Error><Code>${code}</Code><Message>secret-bucket on secret-host REQ-4711</Message></Error>`,
  });
  return {
    name: 'Azure',
    port,
    open: (reach) =>
      openAzureBackend({
        container,
        connectionString: azurite.connectionString.replace(
          `127.0.0.1:${port}/`,
          `${reach.host ?? '127.0.0.1'}:${reach.port}/`,
        ),
        accountUrl: null,
        clock: reach.clock ?? systemClock,
        log: reach.log ?? silentLog,
        ...(reach.patience === undefined ? {} : { patience: reach.patience }),
      }),
    dropBucket: async () => void (await owner.delete()),
    says: {
      broken: refusal(500, 'InternalError'),
      busy: refusal(503, 'ServerBusy'),
      expired: refusal(401, 'InvalidAuthenticationInfo'),
      skewed: refusal(403, 'AuthenticationFailed'),
    },
    words: {
      ...{ broken: 'InternalError', busy: 'ServerBusy' },
      ...{ expired: 'InvalidAuthenticationInfo', skewed: 'AuthenticationFailed' },
    },
    [Symbol.asyncDispose]: () => azurite[Symbol.asyncDispose](),
  };
}

/** Google Cloud Storage on the small server of this repository. */
export async function openGcsStore(): Promise<Store> {
  const account = await makeTestAccount();
  const bucket = `chaos-${randomUUID()}`;
  const accounts = new Map([[account.email, account.publicKey]]);
  const server = await startGcsServer({ accounts, buckets: [bucket] });
  const refusal = (status: number, reason: string): Fault => ({
    status,
    headers: { 'content-type': 'application/json', 'x-guploader-uploadid': 'REQ-4711' },
    body: JSON.stringify({
      error: {
        code: status,
        message: 'secret-bucket on secret-host',
        errors: [{ reason, message: 'REQ-4711' }],
      },
    }),
  });
  return {
    name: 'Google',
    port: Number(new URL(server.origin).port),
    open: async (reach) =>
      openGcsBackend({
        bucket,
        credentialsPath: account.keyFilePath,
        endpoint: `http://${reach.host ?? '127.0.0.1'}:${reach.port}`,
        clock: reach.clock ?? systemClock,
        log: reach.log ?? silentLog,
        ...(reach.patience === undefined ? {} : { patience: reach.patience }),
      }),
    dropBucket: async () => void server.buckets.delete(bucket),
    says: {
      broken: refusal(500, 'backendError'),
      busy: refusal(503, 'backendError'),
      expired: refusal(401, 'authError'),
      skewed: refusal(401, 'authError'),
    },
    words: { broken: 'backendError', busy: 'backendError', expired: 'authError', skewed: 'authError' },
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      await account[Symbol.asyncDispose]();
    },
  };
}
