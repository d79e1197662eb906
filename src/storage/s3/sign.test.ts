import assert from 'node:assert/strict';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import {
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { ODD_KEYS } from '../../core/hostile-keys.ts';
import { EMPTY_SHA256, SigV4Signer } from './sign.ts';

/** The key of Amazon's published examples; it opens nothing. */
const EXAMPLE = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
};
const EXAMPLE_MS = Date.UTC(2013, 4, 24);
const HOST = 'examplebucket.s3.amazonaws.com';

const signatureOf = (headers: Record<string, string>): string | undefined =>
  headers.authorization?.split('Signature=')[1];

/** @see https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html */
describe("Amazon's published examples", () => {
  const signer = new SigV4Signer('us-east-1');

  test('a range of an object', () => {
    const request = {
      method: 'GET',
      host: HOST,
      path: '/test.txt',
      query: {},
      headers: { range: 'bytes=0-9' },
    };
    const signed = signer.signHeaders(request, EMPTY_SHA256, EXAMPLE, EXAMPLE_MS);
    assert.equal(signatureOf(signed), 'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41');
  });

  test('a put of an object whose name needs encoding', () => {
    const headers = { date: 'Fri, 24 May 2013 00:00:00 GMT', 'x-amz-storage-class': 'REDUCED_REDUNDANCY' };
    const request = { method: 'PUT', host: HOST, path: '/test%24file.text', query: {}, headers };
    const payloadHash = '44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072';
    const signed = signer.signHeaders(request, payloadHash, EXAMPLE, EXAMPLE_MS);
    assert.equal(signatureOf(signed), '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd');
  });

  test('a parameter without a value', () => {
    const request = { method: 'GET', host: HOST, path: '/', query: { lifecycle: '' }, headers: {} };
    const signed = signer.signHeaders(request, EMPTY_SHA256, EXAMPLE, EXAMPLE_MS);
    assert.equal(signatureOf(signed), 'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543');
  });

  test('a listing', () => {
    const request = {
      method: 'GET',
      host: HOST,
      path: '/',
      query: { prefix: 'J', 'max-keys': '2' },
      headers: {},
    };
    const signed = signer.signHeaders(request, EMPTY_SHA256, EXAMPLE, EXAMPLE_MS);
    assert.equal(signatureOf(signed), '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7');
  });

  test('a presigned URL', () => {
    const request = { method: 'GET', host: HOST, path: '/test.txt', query: {}, headers: {} };
    const query = signer.presign(request, EXAMPLE, { startMs: EXAMPLE_MS, lifetimeSeconds: 86_400 });
    assert.match(query, /&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404$/);
  });
});

/** Signs again what a client signed, from what arrived. */
function signAgain(request: IncomingMessage): string | undefined {
  const authorization = request.headers.authorization ?? '';
  const [, region] = /Credential=[^/]+\/\d{8}\/([^/]+)\//.exec(authorization) ?? [];
  const names = /SignedHeaders=([^,]+)/.exec(authorization)?.[1]?.split(';') ?? [];
  const own = ['host', 'x-amz-date', 'x-amz-content-sha256', 'x-amz-security-token'];
  const headers = Object.fromEntries(
    names.filter((name) => !own.includes(name)).map((name) => [name, String(request.headers[name] ?? '')]),
  );
  const [path = '/', search = ''] = (request.url ?? '').split('?');
  const query = Object.fromEntries(
    search
      .split('&')
      .filter(Boolean)
      .map((pair) => pair.split('=').map(decodeURIComponent)),
  );
  const time = String(request.headers['x-amz-date']);
  const nowMs = Date.parse(time.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)/, '$1-$2-$3T$4:$5:'));
  const sessionToken = request.headers['x-amz-security-token'];
  const credentials = { ...EXAMPLE, ...(typeof sessionToken === 'string' && { sessionToken }) };
  const signed = new SigV4Signer(region ?? '').signHeaders(
    { method: request.method ?? '', host: request.headers.host ?? '', path, query, headers },
    String(request.headers['x-amz-content-sha256']),
    credentials,
    nowMs,
  );
  return signed.authorization;
}

test("the official client's requests have the signatures that we make", async () => {
  const compared: [string | undefined, string | undefined][] = [];
  const server = createServer((request, response) => {
    compared.push([signAgain(request), request.headers.authorization]);
    request.resume().on('end', () => response.writeHead(request.method === 'HEAD' ? 404 : 200).end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  for (const sessionToken of [undefined, 'a+token/with=odd characters']) {
    const client = new S3Client({
      endpoint: `http://127.0.0.1:${port}`,
      region: 'eu-central-1',
      forcePathStyle: true,
      maxAttempts: 1,
      requestChecksumCalculation: 'WHEN_REQUIRED',
      credentials: { ...EXAMPLE, ...(sessionToken !== undefined && { sessionToken }) },
    });
    for (const { key: Key } of ODD_KEYS) {
      const at = { Bucket: 'bucket', Key };
      const write = { ...at, ContentType: 'text/plain; charset=utf-8', Metadata: { content_hash: 'ab  cd' } };
      const sends = [
        client.send(
          new GetObjectCommand({
            ...at,
            Range: 'bytes=0-9',
            ResponseContentDisposition: 'attachment; filename="a b.txt"',
          }),
        ),
        client.send(new HeadObjectCommand(at)),
        client.send(new PutObjectCommand({ ...write, Body: 'hello', ServerSideEncryption: 'AES256' })),
        client.send(new DeleteObjectCommand(at)),
        client.send(new CreateMultipartUploadCommand(write)),
        client.send(new UploadPartCommand({ ...at, UploadId: 'u+/=', PartNumber: 3, Body: 'part' })),
        client.send(new CopyObjectCommand({ ...at, CopySource: 'bucket/other' })),
        client.send(new ListObjectsV2Command({ Bucket: 'bucket', Prefix: `${Key}/`, EncodingType: 'url' })),
      ];
      await Promise.allSettled(sends);
    }
    client.destroy();
  }
  server.close();
  assert.equal(compared.length, ODD_KEYS.length * 16);
  for (const [ours, theirs] of compared) assert.equal(ours, theirs);
});
