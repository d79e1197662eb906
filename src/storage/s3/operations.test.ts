import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request as forward } from 'node:http';
import { describe, test } from 'node:test';
import { fits } from '../../../test/servers/aws-recorder/policies.ts';
import { startS3Server } from '../../../test/servers/s3/server.ts';
import { OWNER, USERS } from '../../../test/servers/s3/test-users.ts';
import { systemClock } from '../../core/clock.ts';
import { silentLog } from '../../core/log.ts';
import { tryLaw } from '../conformance/describe-backend.ts';
import { LAWS } from '../conformance/laws.ts';
import { openS3Backend } from './backend.ts';
import { S3Client } from './client.ts';
import { neededActions, operationOf, S3_OPERATIONS } from './operations.ts';

/** Copies of more than 5 GiB go in parts: too much for a test, and no action of its own. */
const UNTRIED = ['UploadPartCopy'];

const ACTIONS = neededActions();
/** What the identity may do, as a policy. */
const POLICY = JSON.stringify({
  Statement: [
    { Effect: 'Allow', Action: ACTIONS.bucket, Resource: 'arn:aws:s3:::laws' },
    { Effect: 'Allow', Action: ACTIONS.objects, Resource: 'arn:aws:s3:::laws/*' },
  ],
});

/**
 * What AWS asks an identity for, by its own documents and not by our table: action and resource.
 *
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
 */
function askedOf(
  method: string,
  url: URL,
  copySource: string | undefined,
): readonly (readonly [string, string])[] {
  const [, bucket = '', ...rest] = url.pathname.split('/');
  const resource = `arn:aws:s3:::${bucket}`;
  const query = url.searchParams;
  if (rest.join('/') === '') {
    if (method === 'POST')
      return [[query.has('delete') ? 's3:DeleteObject' : 's3:PutObject', `${resource}/any`]];
    const known = [...query.keys()].every((name) =>
      /^(list-type|prefix|max-keys|encoding-type|start-after|x-.*)$/i.test(name),
    );
    return [[known ? 's3:ListBucket' : 's3:OfTheBucket', resource]];
  }
  const object = `${resource}/${rest.join('/')}`;
  const isPart = query.has('uploadId');
  if (method === 'GET' && isPart) return [['s3:ListMultipartUploadParts', object]];
  if (method === 'GET' || method === 'HEAD') return [['s3:GetObject', object]];
  if (method === 'DELETE') return [[isPart ? 's3:AbortMultipartUpload' : 's3:DeleteObject', object]];
  const source =
    copySource === undefined
      ? []
      : [['s3:GetObject', `arn:aws:s3:::${copySource.replace(/^\//, '')}`] as const];
  return [['s3:PutObject', object], ...source];
}

/** Forwards what the policy allows unchanged, signatures included, and notes which operation each request was. */
async function startRecorder(origin: string) {
  const seen = new Set<string>();
  const strange = new Set<string>();
  const server = createServer((incoming, answer) => {
    const url = new URL(incoming.url ?? '/', origin);
    const { method = '', headers } = incoming;
    const operation = operationOf({
      method,
      hasKey: url.pathname.split('/').slice(2).join('/') !== '',
      queryNames: [...url.searchParams.keys()],
      hasCopySource: 'x-amz-copy-source' in headers,
    });
    const copySource = headers['x-amz-copy-source'];
    const asked = askedOf(method, url, typeof copySource === 'string' ? copySource : undefined);
    const isAllowed = asked.every(([action, resource]) =>
      fits(POLICY, 'Allow', { action, resource, principalArn: null, context: {} }),
    );
    if (!isAllowed && method !== 'OPTIONS') {
      incoming.resume();
      answer.writeHead(403, { 'content-type': 'application/xml' });
      answer.end(method === 'HEAD' ? undefined : '<Error><Code>AccessDenied</Code></Error>');
      return;
    }
    const outgoing = forward(`${origin}${incoming.url}`, { method, headers, setHost: false }, (reply) => {
      const { statusCode = 502 } = reply;
      // What the store refuses needs no rights: the laws also try what must not work. Nor does a preflight.
      if (statusCode < 400 && method !== 'OPTIONS') {
        if (operation !== undefined) seen.add(operation);
        else strange.add(`${method} ${url.pathname.split('/').length} ${[...url.searchParams.keys()]}`);
      }
      answer.writeHead(statusCode, reply.headers);
      reply.pipe(answer);
    });
    outgoing.on('error', () => answer.destroy());
    answer.on('close', () => outgoing.destroy());
    incoming.pipe(outgoing);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  return {
    origin: `http://127.0.0.1:${address.port}`,
    seen,
    strange,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

describe('the table of operations', () => {
  test('is what the backend does while all laws are tried with these rights alone: nothing missing, nothing extra', async () => {
    await using store = await startS3Server({ users: USERS });
    const options = {
      bucket: 'laws',
      region: 'us-east-1',
      credentials: OWNER,
      publicEndpoint: null,
      forcePathStyle: true,
      sse: 'AES256',
      kmsKeyId: null,
      signedWrite: 'post',
      clock: systemClock,
      log: silentLog,
    } as const;
    const maker = new S3Client({ ...options, endpoint: store.origin });
    await (await maker.call({ method: 'PUT', key: null })).body.dump();
    await maker.close();
    await using recorder = await startRecorder(store.origin);
    const checked = openS3Backend({ ...options, endpoint: recorder.origin });
    await checked.check({});
    await checked.close();
    for (const law of Object.values(LAWS)) {
      await tryLaw(law, async () => {
        const backend = openS3Backend({ ...options, endpoint: recorder.origin });
        return { backend, [Symbol.asyncDispose]: () => backend.close() };
      });
    }
    assert.deepEqual([...recorder.strange], []);
    const tried = Object.keys(S3_OPERATIONS).filter((name) => !UNTRIED.includes(name));
    assert.deepEqual([...recorder.seen].toSorted(), tried.toSorted());
    const actions = new Set([...recorder.seen].flatMap((name) => S3_OPERATIONS[name]?.actions ?? []));
    const needed = neededActions();
    assert.deepEqual([...actions].toSorted(), [...needed.bucket, ...needed.objects].toSorted());
  });

  test('has no place for calls on the bucket’s own settings', () => {
    for (const name of ['policy', 'acl', 'versioning', 'lifecycle', 'uploads'])
      assert.equal(
        operationOf({ method: 'GET', hasKey: false, queryNames: [name], hasCopySource: false }),
        undefined,
      );
  });
});
