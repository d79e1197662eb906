import { randomUUID } from 'node:crypto';
import { after, before } from 'node:test';
import { type S3Server, startS3Server } from '../../../test/servers/s3/server.ts';
import { OWNER, USERS } from '../../../test/servers/s3/test-users.ts';
import { systemClock } from '../../core/clock.ts';
import { silentLog } from '../../core/log.ts';
import { describeBackend } from '../conformance/describe-backend.ts';
import { openS3Backend } from './backend.ts';
import { S3Client } from './client.ts';
import type { S3Options } from './options.ts';

function optionsFor(endpoint: string, changes: Partial<S3Options>): S3Options {
  return {
    bucket: 'stowage-laws',
    region: 'us-east-1',
    credentials: OWNER,
    endpoint,
    publicEndpoint: null,
    forcePathStyle: true,
    sse: 'AES256',
    kmsKeyId: null,
    signedWrite: 'post',
    clock: systemClock,
    log: silentLog,
    ...changes,
  };
}

const made = new Map<string, Promise<string>>();

/** The bucket of this run at a store: laws keep to prefixes of their own. */
function lawsBucket(endpoint: string): Promise<string> {
  const bucket = made.get(endpoint) ?? makeBucket(endpoint);
  made.set(endpoint, bucket);
  return bucket;
}

async function makeBucket(endpoint: string): Promise<string> {
  const bucket = `laws-${randomUUID()}`;
  const client = new S3Client(optionsFor(endpoint, { bucket }));
  await (await client.call({ method: 'PUT', key: null })).body.dump();
  await client.close();
  return bucket;
}

async function openS3(endpoint: string, changes: Partial<S3Options>) {
  const backend = openS3Backend(optionsFor(endpoint, { bucket: await lawsBucket(endpoint), ...changes }));
  return { backend, [Symbol.asyncDispose]: () => backend.close() };
}

let server: S3Server;
before(async () => {
  server = await startS3Server({ users: USERS });
});
after(() => server[Symbol.asyncDispose]());

for (const signedWrite of ['post', 'put'] as const) {
  describeBackend({
    name: `S3 on the server of this repository, ${signedWrite === 'post' ? 'form posts' : 'signed PUTs'}`,
    open: () => openS3(server.origin, { signedWrite }),
  });
}

const ceph = process.env.TEST_CEPH_ENDPOINT;
if (ceph !== undefined) {
  // What was sent is hashed again when an upload is completed.
  const unchecked = {
    'other bytes than those of a signed digest are refused where the store enforces it':
      'Ceph 16 does not look at x-amz-checksum-sha256: https://docs.ceph.com/en/pacific/radosgw/s3/objectops/#put-object',
  };
  describeBackend({
    name: 'S3 on Ceph, form posts',
    open: () => openS3(ceph, {}),
    // A direct upload gets its headers again when it is promoted, so nothing hangs on it.
    knownGaps: {
      ...unchecked,
      'whoever has a write URL stores the object':
        'Ceph 16 drops the Cache-Control field of a form post: https://docs.ceph.com/en/pacific/radosgw/s3/objectops/#post-object',
    },
  });
  describeBackend({
    name: 'S3 on Ceph, signed PUTs',
    open: () => openS3(ceph, { signedWrite: 'put' }),
    knownGaps: unchecked,
  });
}
