import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { listenOnLoopback } from '../conformance/loopback-server.ts';
import {
  ask,
  CREATE,
  chunks,
  follow,
  inChunks,
  noise,
  readOptions,
  readText,
  refuses,
  sha256,
  writeOptions,
} from '../conformance/material.ts';
import { parseRangeHeader } from './range-header.ts';
import { openTestStore } from './test-store.ts';

async function openServed(context: TestContext) {
  let origin = '';
  const store = await openTestStore(context, { publicUrl: () => origin });
  const answered: Promise<void>[] = [];
  const server = await listenOnLoopback((request, response) => {
    answered.push(store.backend.serve(request, response));
  });
  context.after(() => server[Symbol.asyncDispose]());
  origin = server.origin;
  return { ...store, answered };
}

test('an answer to a signed read cannot act in a browser or stay in a shared cache', async (context) => {
  const { bucket } = await openServed(context);
  const { version } = await bucket.put('a', chunks('<script>'), { ...CREATE, contentType: 'text/html' });
  const { url, expiresAtMs } = await bucket.signRead('a', readOptions({ contentType: 'text/html' }));
  const { headers } = await ask(url);
  assert.equal(headers.get('content-security-policy'), "default-src 'none'; sandbox");
  assert.equal(headers.get('x-content-type-options'), 'nosniff');
  assert.equal(headers.get('etag'), `"${version}"`);
  const maxAge = Number(/^private, max-age=(\d+)$/.exec(headers.get('cache-control') ?? '')?.[1]);
  assert.ok(maxAge > 0 && maxAge * 1000 <= expiresAtMs - Date.now() + 2000);
});

test('a HEAD answers as GET does, without the bytes', async (context) => {
  const { bucket } = await openServed(context);
  await bucket.put('a', chunks('hello'), CREATE);
  const { url } = await bucket.signRead('a', readOptions());
  const head = await ask(url, { method: 'HEAD' });
  assert.equal(head.status, 200);
  assert.equal(head.headers.get('content-length'), '5');
  assert.equal(head.bytes.byteLength, 0);
});

test('refusals carry a code and nothing of the store', async (context) => {
  const { bucket, root } = await openServed(context);
  await bucket.put('a', chunks('hello'), CREATE);
  const { url } = await bucket.signRead('a', readOptions());
  const codeOf = async (answer: ReturnType<typeof ask>) => {
    const text = (await answer).bytes.toString();
    assert.ok(!text.includes(root));
    return (JSON.parse(text) as { code: string }).code;
  };
  const expired = await bucket.signRead('a', readOptions({ nowMs: 1_000_000_000 }));
  const missing = await bucket.signRead('b', readOptions());
  const write = await bucket.signWrite('c', writeOptions(5));
  assert.equal(await codeOf(ask(`${url}x`)), 'forbidden');
  assert.equal(await codeOf(ask(url, { method: 'DELETE' })), 'forbidden');
  assert.equal(await codeOf(ask(expired.url)), 'expired');
  assert.equal((await ask(expired.url)).status, 410);
  assert.equal(await codeOf(ask(missing.url)), 'not_found');
  assert.equal(await codeOf(follow(write, Buffer.from('longer'))), 'file_too_large');
  assert.equal(await codeOf(follow(write, Buffer.from('less'))), 'malformed_request');
  assert.equal(
    await codeOf(follow(write, Buffer.from('hello'), { 'Content-Type': 'text/html' })),
    'forbidden',
  );
});

test('a write URL refuses another digest than signed', async (context) => {
  const { bucket } = await openServed(context);
  const digest = Buffer.from(sha256(Buffer.from('hello')), 'hex');
  const signed = await bucket.signWrite('a', writeOptions(5, { sha256: digest }));
  assert.equal((await follow(signed, Buffer.from('HELLO'))).status, 400);
  await refuses('object_not_found', bucket.head('a', {}));
  assert.equal((await follow(signed, Buffer.from('hello'))).status, 200);
});

test('a body without Content-Length is counted', async (context) => {
  const { bucket } = await openServed(context);
  const signed = await bucket.signWrite('a', writeOptions(5));
  const send = async (...texts: string[]) => {
    const request = httpRequest(signed.url, { method: 'PUT', headers: signed.headers });
    for (const text of texts) request.write(text);
    request.end();
    const [response] = (await once(request, 'response')) as [{ statusCode: number; resume(): void }];
    response.resume();
    return response.statusCode;
  };
  assert.equal(await send('hel', 'lo!'), 413);
  assert.equal(await send('hel'), 400);
  await refuses('object_not_found', bucket.head('a', {}));
  assert.equal(await send('hel', 'lo'), 200);
  assert.equal(await readText(bucket, 'a'), 'hello');
});

test('a client that is cut off while it writes leaves nothing', async (context) => {
  const { bucket, answered, temporaries } = await openServed(context);
  const { url } = await bucket.signWrite('a', writeOptions(1_000_000));
  const { hostname, port, pathname, search } = new URL(url);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  const head = `PUT ${pathname}${search} HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 1000000\r\n\r\n`;
  await new Promise((resolve) => socket.write(head + 'x'.repeat(600_000), resolve));
  socket.destroy();
  while (answered.length === 0) await new Promise((resolve) => setImmediate(resolve));
  await Promise.all(answered);
  await refuses('object_not_found', bucket.head('a', {}));
  assert.deepEqual(await temporaries(), []);
});

test('a client that is cut off while it reads ends the read', async (context) => {
  const { bucket, answered } = await openServed(context);
  await bucket.put('a', inChunks(noise(30_000_000, 1), 1_000_000), CREATE);
  const { url } = await bucket.signRead('a', readOptions());
  const request = httpRequest(url);
  request.end();
  const [response] = (await once(request, 'response')) as [NodeJS.ReadableStream];
  await once(response, 'data');
  request.destroy();
  await Promise.all(answered);
});

test('a Range header is read as RFC 9110 says', () => {
  const cases: readonly (readonly [string | undefined, ReturnType<typeof parseRangeHeader>])[] = [
    [undefined, null],
    ['bytes=0-0', { first: 0, last: 0 }],
    ['bytes=2-4', { first: 2, last: 4 }],
    ['bytes=2-', { first: 2, last: 9 }],
    ['bytes=2-99', { first: 2, last: 9 }],
    ['bytes=-3', { first: 7, last: 9 }],
    ['bytes=-99', { first: 0, last: 9 }],
    ['bytes=-0', 'unsatisfiable'],
    ['bytes=10-', 'unsatisfiable'],
    ['bytes=5-2', null],
    ['bytes=-', null],
    ['bytes=0-1,3-4', null],
    ['lines=0-1', null],
    ['bytes=99999999999999999-', null],
  ];
  for (const [header, expected] of cases) assert.deepEqual(parseRangeHeader(header, 10), expected, header);
});
