import { randomUUID } from 'node:crypto';
import { systemClock } from '../../core/clock.ts';
import { silentLog } from '../../core/log.ts';
import { describeBackend } from '../conformance/describe-backend.ts';
import { openS3Backend } from './backend.ts';
import { S3Client } from './client.ts';
import type { S3Options } from './options.ts';

/** Keys that `test/servers/ceph.sh` makes: they open nothing but a gateway on loopback that ends with the test run. */
const CEPH_CREDENTIALS = {
  accessKeyId: 'TESTSTOWAGEKEY',
  secretAccessKey: 'test-secret-of-stowage-on-loopback',
};

function optionsFor(endpoint: string, changes: Partial<S3Options>): S3Options {
  return {
    bucket: 'stowage-laws',
    region: 'us-east-1',
    credentials: CEPH_CREDENTIALS,
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

let made: Promise<string> | undefined;

/** The bucket of this run: laws keep to prefixes of their own. */
function lawsBucket(endpoint: string): Promise<string> {
  made ??= (async () => {
    const bucket = `laws-${randomUUID()}`;
    const client = new S3Client(optionsFor(endpoint, { bucket }));
    await (await client.call({ method: 'PUT', key: null })).body.dump();
    await client.close();
    return bucket;
  })();
  return made;
}

async function openS3(endpoint: string, changes: Partial<S3Options>) {
  const backend = openS3Backend(optionsFor(endpoint, { bucket: await lawsBucket(endpoint), ...changes }));
  return { backend, [Symbol.asyncDispose]: () => backend.close() };
}

const ceph = process.env.TEST_CEPH_ENDPOINT;
if (ceph !== undefined) {
  describeBackend({
    name: 'S3 on Ceph, form posts',
    open: () => openS3(ceph, {}),
    // A direct upload gets its headers again when it is promoted, so nothing hangs on it.
    knownGaps: {
      'whoever has a write URL stores the object':
        'Ceph 16 drops the Cache-Control field of a form post: https://docs.ceph.com/en/pacific/radosgw/s3/objectops/#post-object',
    },
  });
  describeBackend({
    name: 'S3 on Ceph, signed PUTs',
    open: () => openS3(ceph, { signedWrite: 'put' }),
  });
}
