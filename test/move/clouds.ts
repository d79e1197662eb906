import { randomUUID } from 'node:crypto';
import { CreateBucketCommand, GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { startAzurite } from '../servers/azurite.ts';
import { startS3Server } from '../servers/s3/server.ts';
import { OWNER, USERS } from '../servers/s3/test-users.ts';

/** A bucket of S3 and a container of Azure, empty, and the settings for both. */
export interface Clouds extends AsyncDisposable {
  readonly settings: Readonly<Record<string, string>>;
  readonly s3Name: string;
  /** The bucket as AWS's own client sees it. */
  readonly s3: {
    keys(): Promise<readonly string[]>;
    read(key: string): Promise<{
      readonly bytes: Buffer;
      readonly contentType: string | undefined;
      readonly metadata: Readonly<Record<string, string>>;
    }>;
  };
}

/** Starts the stores: S3 is Ceph where the run has it, else the small server of this repository. */
export async function startClouds(): Promise<Clouds> {
  const ceph = process.env.TEST_CEPH_ENDPOINT;
  const server = ceph === undefined ? await startS3Server({ users: USERS }) : null;
  const endpoint = ceph ?? server?.origin ?? '';
  const azurite = await startAzurite();
  const bucket = `move-${randomUUID()}`;
  const { accessKeyId, secretAccessKey } = OWNER;
  const client = new S3Client({
    ...{ endpoint, region: 'us-east-1', forcePathStyle: true },
    credentials: { accessKeyId, secretAccessKey },
  });
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  return {
    s3Name: ceph === undefined ? 'small S3 server of this repository' : 'Ceph RADOS gateway',
    settings: {
      S3_BUCKET_NAME: bucket,
      S3_REGION: 'us-east-1',
      S3_ENDPOINT: endpoint,
      S3_ACCESS_KEY: accessKeyId,
      S3_SECRET_KEY: secretAccessKey,
      AZURE_STORAGE_CONNECTION_STRING: azurite.connectionString,
      AZURE_CONTAINER_NAME: bucket,
    },
    s3: {
      async keys() {
        const keys: string[] = [];
        for (let after: string | undefined; ; ) {
          const page = await client.send(
            new ListObjectsV2Command({ Bucket: bucket, ...(after !== undefined && { StartAfter: after }) }),
          );
          const found = (page.Contents ?? []).flatMap(({ Key }) => Key ?? []);
          keys.push(...found);
          after = found.at(-1);
          if (page.IsTruncated !== true || after === undefined) return keys;
        }
      },
      async read(key) {
        const answer = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
        const bytes = Buffer.from((await answer.Body?.transformToByteArray()) ?? []);
        return { bytes, contentType: answer.ContentType, metadata: answer.Metadata ?? {} };
      },
    },
    async [Symbol.asyncDispose]() {
      client.destroy();
      await azurite[Symbol.asyncDispose]();
      await server?.[Symbol.asyncDispose]();
    },
  };
}
