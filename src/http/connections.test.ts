import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import Fastify from 'fastify';
import { MIB } from '../core/bytes.ts';
import type { AssetJson } from '../protocol/index.ts';
import { AnswersInFlight, closeWithAnswers } from './answers-in-flight.ts';
import { openServerFixture, type ServerFixture } from './server-fixture.ts';

interface Line {
  readonly socket: Socket;
  text(): string;
}

/** A connection on which everything that comes is kept. */
async function openLine(server: ServerFixture): Promise<Line> {
  const socket = connect(server.port, '127.0.0.1');
  await once(socket, 'connect');
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.on('error', () => {});
  return { socket, text: () => Buffer.concat(chunks).toString('latin1') };
}

/** One connection's whole conversation: what is sent, then what came until it was closed. */
async function converse(server: ServerFixture, request: string): Promise<string> {
  const line = await openLine(server);
  const closed = once(line.socket, 'close');
  line.socket.write(request);
  await closed;
  return line.text();
}

const storedArchive = async (server: ServerFixture, bytes: number): Promise<AssetJson> =>
  await server.store({}, { assetType: 'archive', text: 'A line of plain text.\n'.repeat(bytes / 22) });

describe('a server that closes', () => {
  test('answers an upload that has half arrived, and is closed then', async () => {
    const server = await openServerFixture();
    const body = [
      '--edge\r\nContent-Disposition: form-data; name="asset_type"\r\n\r\nnote\r\n--edge\r\n',
      'Content-Disposition: form-data; name="files"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\nHello',
      ', world.\r\n--edge--\r\n',
    ];
    const idle = await openLine(server);
    const idleClosed = once(idle.socket, 'close');
    const line = await openLine(server);
    const closed = once(line.socket, 'close');
    line.socket.write(
      `POST /api/upload HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${await server.token({})}\r\n` +
        `Content-Type: multipart/form-data; boundary=edge\r\nContent-Length: ${body.join('').length}\r\n` +
        `Expect: 100-continue\r\n\r\n`,
    );
    // The server reads the body: the request is in flight.
    while (!line.text().includes('100 Continue')) await once(line.socket, 'data');
    line.socket.write(`${body[0]}${body[1]}`);
    const disposed = server[Symbol.asyncDispose]();
    await idleClosed;
    const startedMs = performance.now();
    line.socket.write(body[2] ?? '');
    await Promise.all([closed, disposed]);
    assert.match(line.text(), /HTTP\/1\.1 200 OK\r\n/);
    assert.match(line.text(), /\r\nconnection: close\r\n/i);
    assert.ok(performance.now() - startedMs < 5000, 'the kept connection held the server open');
  });

  test('sends a download to its end that has begun, and is closed then', async () => {
    const server = await openServerFixture();
    const asset = await storedArchive(server, 22_000_000);
    const line = await openLine(server);
    const closed = once(line.socket, 'close');
    line.socket.write(
      `GET /api/assets/${asset.asset_id}/download HTTP/1.1\r\nHost: x\r\n` +
        `Authorization: Bearer ${await server.token({})}\r\n\r\n`,
    );
    await once(line.socket, 'data');
    line.socket.pause();
    const disposed = server[Symbol.asyncDispose]();
    line.socket.resume();
    await Promise.all([closed, disposed]);
    const text = line.text();
    assert.equal(text.length - text.indexOf('\r\n\r\n') - 4, asset.size_bytes);
  });
});

test('a server that closes sends what its clients have not taken yet, and keeps nobody waiting', async () => {
  const bytes = 64 * MIB;
  const app = Fastify();
  closeWithAnswers(app, new AnswersInFlight());
  app.get('/large', (_request, reply) => reply.send(Buffer.alloc(bytes)));
  app.get('/small', async () => 'hello');
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const open = async (target: string) => {
    const socket = connect(port, '127.0.0.1');
    socket.write(`GET ${target} HTTP/1.1\r\nHost: x\r\n\r\n`);
    const [first] = (await once(socket, 'data')) as [Buffer];
    return { socket, closed: once(socket, 'close'), first };
  };
  const idle = await open('/small');
  const { socket, closed, first } = await open('/large');
  socket.pause();
  const closing = app.close();
  await idle.closed;
  let received = first.byteLength;
  socket.on('data', (chunk: Buffer) => {
    received += chunk.byteLength;
  });
  socket.resume();
  await Promise.all([closing, closed]);
  assert.ok(received > bytes, `${received} of ${bytes} bytes arrived`);
});

test('what is no HTTP is not answered in the middle of a download', async () => {
  await using server = await openServerFixture();
  const asset = await storedArchive(server, 33_000_000);
  const line = await openLine(server);
  const closed = once(line.socket, 'close');
  line.socket.write(
    `GET /api/assets/${asset.asset_id}/download HTTP/1.1\r\nHost: x\r\n` +
      `Authorization: Bearer ${await server.token({})}\r\n\r\n`,
  );
  await once(line.socket, 'data');
  line.socket.pause();
  line.socket.write('this is no request\r\n\r\n');
  line.socket.resume();
  await closed;
  const text = line.text();
  assert.match(text, /^HTTP\/1\.1 200 OK\r\n/);
  assert.ok(text.length < asset.size_bytes, 'the download came to its end before the nonsense arrived');
  assert.doesNotMatch(text, /HTTP\/1\.1 400|problem\+json/);
});

test('what is no HTTP is answered with the one shape of errors', async () => {
  await using server = await openServerFixture();
  const text = await converse(server, 'this is no request\r\n\r\n');
  assert.match(text, /^HTTP\/1\.1 400 /);
  assert.match(text, /"code":"malformed_request"/);
});

describe('in the one shape of errors is answered', () => {
  const REQUESTS = {
    'a request without Host': 'GET /api/health HTTP/1.1\r\n\r\n',
    'a request with two Hosts': 'GET /api/health HTTP/1.1\r\nHost: x\r\nHOST: y\r\n\r\n',
    'a request for nothing without Host': 'GET /nothing HTTP/1.1\r\n\r\n',
    'a transfer coding beside chunked':
      'POST /api/upload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
    'an expectation that nobody can meet': 'GET /api/health HTTP/1.1\r\nHost: x\r\nExpect: foo\r\n\r\n',
    'such an expectation with a body to come':
      'POST /api/upload HTTP/1.1\r\nHost: x\r\nExpect: foo\r\nContent-Length: 9000000\r\n\r\n',
  };
  for (const [what, request] of Object.entries(REQUESTS)) {
    test(`${what}, and the connection is closed`, async () => {
      await using server = await openServerFixture();
      const text = await converse(server, request);
      assert.match(text, /^HTTP\/1\.1 400 Bad Request\r\n/);
      assert.match(text, /\r\ncontent-type: application\/problem\+json\r\n/i);
      assert.match(text, /\r\nx-content-type-options: nosniff\r\n/i);
      assert.match(text, /\r\nconnection: close\r\n/i);
      assert.match(text, /"code":"malformed_request"/);
    });
  }

  test('none to HTTP/1.0, which knows no Host', async () => {
    await using server = await openServerFixture();
    assert.match(await converse(server, 'GET /api/health/live HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 200 OK\r\n/);
  });
});
