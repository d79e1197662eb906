import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { AnswersInFlight } from './answers-in-flight.ts';
import { connectionRefusal } from './connections.ts';
import { createMount } from './mount.ts';
import { completeDeps } from './server.ts';
import { openServerFixture } from './server-fixture.ts';
import { SlowBodies } from './slow-bodies.ts';

const PACE = { bytesPerSecondMin: 100, windowMs: 60_000 };

/** A server that reads as the test says, and a client in the middle of a body of 10,000 bytes. */
async function openUpload(read: (request: IncomingMessage) => void) {
  const answers = new AnswersInFlight();
  const bodies = new SlowBodies(connectionRefusal(answers), PACE);
  const cut = Promise.withResolvers<void>();
  const began = Promise.withResolvers<IncomingMessage>();
  const server = createServer((request, response) => {
    bodies.add(request);
    request.once('aborted', () => cut.resolve());
    request.on('error', () => undefined);
    request.once('end', () => response.end('stored'));
    read(request);
    began.resolve(request);
  });
  answers.watch(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  const socket: Socket = connect(address.port, '127.0.0.1');
  let received = '';
  socket.on('data', (chunk: Buffer) => (received += chunk.toString('latin1')));
  socket.on('error', () => undefined);
  socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10000\r\n\r\n');
  const request = await began.promise;
  return {
    bodies,
    request,
    cut: cut.promise,
    socket,
    received: () => received,
    /** Sends bytes and waits until the server has them. */
    async send(bytes: number): Promise<void> {
      const before = request.socket.bytesRead;
      socket.write(Buffer.alloc(bytes, 'x'));
      while (request.socket.bytesRead < before + bytes) await delay(1);
    },
    async [Symbol.asyncDispose]() {
      socket.destroy();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

const flowing = (request: IncomingMessage): void => void request.resume();
const iterated = (request: IncomingMessage): void =>
  void (async () => {
    for await (const _ of request.iterator({ destroyOnReturn: false }));
  })().catch(() => undefined);

describe('a body', () => {
  for (const [how, read] of Object.entries({ flowing, iterated })) {
    test(`that trickles is cut, with an answer that says why (${how})`, async () => {
      await using upload = await openUpload(read);
      for (let second = 0; second < 59; second++) {
        if (second % 20 === 0) await upload.send(1);
        upload.bodies.look(1000);
      }
      assert.equal(upload.received(), '', 'not before a whole window');
      await upload.send(1);
      upload.bodies.look(1000);
      await upload.cut;
      while (!upload.received().includes('}')) await delay(1);
      assert.match(upload.received(), /^HTTP\/1\.1 400 /);
      assert.match(upload.received(), /"code":"malformed_request"/);
      assert.match(upload.received(), /Connection: close/);
    });

    test(`that is slow and steady arrives, however long it takes (${how})`, async () => {
      await using upload = await openUpload(read);
      for (let second = 0; second < 99; second++) {
        await upload.send(101);
        upload.bodies.look(1000);
      }
      await upload.send(1);
      while (!upload.received().includes('stored')) await delay(1);
      assert.match(upload.received(), /^HTTP\/1\.1 200 /);
    });
  }

  test('that we do not read is not cut: the client waits for us', async () => {
    await using upload = await openUpload(() => undefined);
    await upload.send(10);
    for (let second = 0; second < 200; second++) upload.bodies.look(1000);
    upload.request.on('data', () => undefined);
    upload.request.pause();
    for (let second = 0; second < 200; second++) upload.bodies.look(1000);
    assert.equal(upload.received(), '');
    upload.request.resume();
    await upload.send(9990);
    while (!upload.received().includes('stored')) await delay(1);
  });
});

test('a body that trickles into mounted routes is cut too, whatever the host allows', async () => {
  await using fixture = await openServerFixture();
  const mount = createMount(completeDeps(fixture.options), { bytesPerSecondMin: 100, windowMs: 1000 });
  const host = createServer((request, response) => mount.handle(request, response));
  host.requestTimeout = 0;
  await new Promise<void>((resolve) => host.listen(0, '127.0.0.1', resolve));
  const address = host.address();
  assert.ok(address !== null && typeof address === 'object');
  const socket = connect(address.port, '127.0.0.1');
  socket.on('error', () => undefined);
  const closed = once(socket, 'close');
  socket.resume();
  socket.write(
    `POST /api/upload HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${await fixture.token({})}\r\n` +
      'Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 10000\r\n\r\n--x\r\n',
  );
  await closed;
  await mount.close();
  await new Promise((resolve) => host.close(resolve));
});
