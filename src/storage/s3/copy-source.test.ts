import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type S3Server, startS3Server } from '../../../test/servers/s3/server.ts';
import { OWNER, USERS } from '../../../test/servers/s3/test-users.ts';
import { systemClock } from '../../core/clock.ts';
import { parseObjectKey } from '../../core/key.ts';
import { silentLog } from '../../core/log.ts';
import { CREATE, chunks, REPLACE, refuses } from '../conformance/material.ts';
import { openS3Backend } from './backend.ts';
import { S3Client } from './client.ts';
import type { S3Options } from './options.ts';

const [SOURCE, TARGET] = ['incoming/a', 'images/b'].map((text) => parseObjectKey(text)) as [
  ReturnType<typeof parseObjectKey>,
  ReturnType<typeof parseObjectKey>,
];
let ceph: S3Options | undefined;
let server: S3Server;
let small: S3Options;

before(async () => {
  server = await startS3Server({ users: USERS });
  small = await bucketAt(server.origin);
  const endpoint = process.env.TEST_CEPH_ENDPOINT;
  if (endpoint !== undefined) ceph = await bucketAt(endpoint);
});
after(() => server[Symbol.asyncDispose]());

async function bucketAt(endpoint: string): Promise<S3Options> {
  const options: S3Options = {
    ...{
      bucket: `copies-${process.pid}`,
      region: 'us-east-1',
      credentials: OWNER,
      endpoint,
      publicEndpoint: null,
    },
    ...{ forcePathStyle: true, sse: 'AES256', kmsKeyId: null, signedWrite: 'post' },
    ...{ clock: systemClock, log: silentLog },
  };
  const client = new S3Client(options);
  await (await client.call({ method: 'PUT', key: null })).body.dump();
  await client.close();
  return options;
}

/** Copies an object that a client with a write URL replaces at the worst moment: between the look at it and the copy. */
async function copyReplaced(options: S3Options): Promise<void> {
  const backend = openS3Backend(options);
  try {
    await backend.put(SOURCE, chunks('judged'), REPLACE);
    const look = backend.head.bind(backend);
    backend.head = async (key, call) => {
      const info = await look(key, call);
      if (key === SOURCE) await backend.put(SOURCE, chunks('hostile'), REPLACE);
      return info;
    };
    await refuses('conflict', backend.copy(SOURCE, TARGET, CREATE));
    backend.head = look;
    await refuses('object_not_found', backend.head(TARGET, {}));
    const { version } = await backend.copy(SOURCE, TARGET, CREATE);
    assert.equal((await backend.head(TARGET, {})).version, version);
  } finally {
    await backend.close();
  }
}

test('a source that is replaced between the look at it and the copy is a conflict', () =>
  copyReplaced(small));

// Ceph 16 reads this condition from a header that S3 does not have. Uploads are sealed before they are judged (ADR
// 0008), so nothing hangs on it there; a gap that has closed is told.
test('known gap (Ceph 16.2, rgw_rest_s3.cc, HTTP_X_AMZ_COPY_IF_MATCH): a replaced source is copied', async (context) => {
  if (ceph === undefined) return context.skip('no Ceph in this run');
  await assert.rejects(copyReplaced(ceph), assert.AssertionError);
});
