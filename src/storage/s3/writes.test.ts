import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request as forward, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { startS3Server } from '../../../test/servers/s3/server.ts';
import { OWNER, USERS } from '../../../test/servers/s3/test-users.ts';
import { streamOf } from '../../core/bytes.ts';
import { systemClock } from '../../core/clock.ts';
import { parseObjectKey } from '../../core/key.ts';
import { silentLog } from '../../core/log.ts';
import { CREATE } from '../conformance/material.ts';
import { openS3Backend } from './backend.ts';
import { S3Client } from './client.ts';
import type { S3Options } from './options.ts';

const KEY = parseObjectKey('a/name with space.png');
const READ = { nowMs: Date.UTC(2026, 0, 1), lifetimeSeconds: 3600, contentDisposition: 'inline' };
const OPTIONS: S3Options = {
  ...{ bucket: 'files', region: 'eu-west-1', credentials: OWNER, endpoint: null, publicEndpoint: null },
  ...{ forcePathStyle: true, sse: 'AES256', kmsKeyId: null, signedWrite: 'post' },
  ...{ clock: systemClock, log: silentLog },
};

describe('writes to S3', () => {
  const seen: { readonly what: string; readonly headers: IncomingHttpHeaders }[] = [];
  let store: Awaited<ReturnType<typeof startS3Server>>;
  const recorder = createServer((incoming, answer) => {
    const { method = '', url = '', headers } = incoming;
    seen.push({ what: `${method} ${url.split('?')[1] ?? ''}`, headers });
    const outgoing = forward(`${store.origin}${url}`, { method, headers, setHost: false }, (reply) => {
      answer.writeHead(reply.statusCode ?? 502, reply.headers);
      reply.pipe(answer);
    });
    outgoing.on('error', () => answer.destroy());
    incoming.pipe(outgoing);
  });
  before(async () => {
    store = await startS3Server({ users: USERS });
    recorder.listen(0, '127.0.0.1');
    await once(recorder, 'listening');
  });
  after(async () => {
    recorder.close();
    recorder.closeAllConnections();
    await store[Symbol.asyncDispose]();
  });

  test('ask for the KMS key that was set, and never for an ACL; a whole object says its SHA-256', async () => {
    const endpoint = `http://127.0.0.1:${(recorder.address() as AddressInfo).port}`;
    const options = {
      ...OPTIONS,
      endpoint,
      region: 'us-east-1',
      sse: 'aws:kms',
      kmsKeyId: 'our-key',
    } as const;
    const maker = new S3Client(options);
    await maker.callForText({ method: 'PUT', key: null });
    await maker.close();
    seen.length = 0;
    const backend = openS3Backend(options);
    await backend.put(KEY, streamOf(Buffer.from('x')), CREATE);
    await backend.copy(KEY, parseObjectKey('b/copy.png'), CREATE);
    await (await backend.beginMultipart(parseObjectKey('c/parts.png'), CREATE)).abort({});
    await backend.close();
    const writes = seen.filter(({ what }) => what.startsWith('PUT ') || what.startsWith('POST uploads'));
    assert.deepEqual(
      writes.map(({ what }) => what.split('&')[0]),
      ['PUT ', 'PUT ', 'POST uploads='],
    );
    for (const { what, headers } of writes) {
      assert.equal(headers['x-amz-server-side-encryption'], 'aws:kms', what);
      assert.equal(headers['x-amz-server-side-encryption-aws-kms-key-id'], 'our-key', what);
    }
    const sha256 = createHash('sha256').update('x').digest('base64');
    assert.equal(writes[0]?.headers['x-amz-checksum-sha256'], sha256);
    const names = seen.flatMap(({ headers }) => Object.keys(headers));
    assert.deepEqual(
      names.filter((name) => name.includes('acl') || name.includes('grant')),
      [],
    );
  });
});

describe('a signed URL of S3', () => {
  const urlOf = async (options: Partial<S3Options>) => {
    const backend = openS3Backend({ ...OPTIONS, ...options });
    const signed = await backend.signRead(KEY, { ...READ, contentType: 'image/png', grant: null });
    await backend.close();
    return new URL(signed.url);
  };

  test('names the bucket in the path or in the host', async () => {
    const path = await urlOf({});
    assert.equal(
      path.origin + path.pathname,
      'https://s3.eu-west-1.amazonaws.com/files/a/name%20with%20space.png',
    );
    const host = await urlOf({ forcePathStyle: false });
    assert.equal(
      host.origin + host.pathname,
      'https://files.s3.eu-west-1.amazonaws.com/a/name%20with%20space.png',
    );
  });

  test('names the address that clients reach the store by, which is signed', async () => {
    const inside = await urlOf({ endpoint: 'http://store:9000' });
    const outside = await urlOf({
      endpoint: 'http://store:9000',
      publicEndpoint: 'https://files.example.org',
    });
    assert.equal(outside.host, 'files.example.org');
    assert.notEqual(outside.searchParams.get('X-Amz-Signature'), inside.searchParams.get('X-Amz-Signature'));
  });

  test('carries no checksum: a body is none of its business', async () => {
    const names = [...(await urlOf({})).searchParams.keys()].map((name) => name.toLowerCase());
    assert.deepEqual(
      names.filter((name) => name.includes('checksum')),
      [],
    );
  });
});
