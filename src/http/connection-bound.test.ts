import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import type { Log } from '../core/log.ts';
import { AnswersInFlight } from './answers-in-flight.ts';
import { boundConnections, CONNECTIONS_MAX } from './connection-bound.ts';
import { buildServer } from './server.ts';
import { openServerFixture } from './server-fixture.ts';

const BEGUN = 'GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ';
const WHOLE = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';

/** A server that takes four connections, with a clock of its own. */
async function openBounded(context: TestContext) {
  let nowMs = 1_000_000;
  const lines: object[] = [];
  const line = (fields: object) => lines.push(fields);
  const log: Log = { debug: () => {}, info: () => {}, warn: line, error: line };
  const server: Server = createServer((_request, response) => response.end('hello'));
  const answers = new AnswersInFlight();
  answers.watch(server);
  boundConnections(server, {
    connectionsMax: 4,
    closeIdle: () => answers.closeIdle(),
    clock: { now: () => nowMs },
    log,
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const sockets: Socket[] = [];
  context.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const open = async (): Promise<Socket> => {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    socket.on('error', () => {});
    sockets.push(socket);
    await once(socket, 'connect');
    return socket;
  };
  /** Sends on a new connection what the server must have seen before the test goes on. */
  const ask = async (text: string): Promise<Socket> => {
    const accepted = once(server, 'connection');
    const socket = await open();
    await accepted;
    socket.write(text);
    return socket;
  };
  return {
    ...{ server, lines, open, ask },
    advance: (ms: number) => {
      nowMs += ms;
    },
  };
}

const answer = async (socket: Socket): Promise<string> => String((await once(socket, 'data'))[0]);

describe('a server with as many connections as it takes', () => {
  test('closes further ones unanswered and unread, says so once a minute, and goes on', async (context) => {
    const { server, lines, open, ask, advance } = await openBounded(context);
    const first = await ask(BEGUN);
    for (let count = 1; count < 4; count += 1) await ask(BEGUN);
    let made = 0;
    server.on('connection', () => {
      made += 1;
    });
    for (let count = 0; count < 3; count += 1) {
      const refused = await open();
      refused.resume();
      refused.write(WHOLE);
      await once(refused, 'close');
      assert.equal(refused.bytesRead, 0);
    }
    assert.equal(made, 0, 'nothing was made for them');
    assert.deepEqual(lines, [{ refused: 1, connections_max: 4 }]);
    advance(60_000);
    const late = await open();
    late.resume();
    await once(late, 'close');
    assert.deepEqual(lines[1], { refused: 3, connections_max: 4 });
    first.write('done\r\n\r\n');
    assert.match(await answer(first), /^HTTP\/1\.1 200 OK/);
  });

  test('takes one more when one has gone', async (context) => {
    const { server, ask } = await openBounded(context);
    const first = await ask(BEGUN);
    for (let count = 1; count < 4; count += 1) await ask(BEGUN);
    first.destroy();
    for (let count = 4; count === 4; ) {
      count = await new Promise<number>((resolve) => {
        server.getConnections((_error, open) => setImmediate(resolve, open));
      });
    }
    assert.match(await answer(await ask(WHOLE)), /^HTTP\/1\.1 200 OK/);
  });

  test('makes room of those that only wait for a next request, before it refuses any', async (context) => {
    const { lines, ask } = await openBounded(context);
    const kept = [await ask(WHOLE), await ask(WHOLE)];
    for (const socket of kept) assert.match(await answer(socket), /keep-alive/i);
    const closed = Promise.all(kept.map((socket) => once(socket, 'close')));
    const third = await ask(WHOLE);
    assert.match(await answer(third), /^HTTP\/1\.1 200 OK/);
    await closed;
    for (let count = 0; count < 3; count += 1) {
      assert.match(await answer(await ask(WHOLE)), /^HTTP\/1\.1 200 OK/);
    }
    assert.deepEqual(lines, []);
  });
});

test('the service takes 4,096 connections', async () => {
  await using fixture = await openServerFixture();
  const app = buildServer(fixture.options);
  assert.equal(app.server.maxConnections, CONNECTIONS_MAX);
  assert.equal(CONNECTIONS_MAX, 4096);
  await app.close();
});
