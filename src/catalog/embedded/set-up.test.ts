import assert from 'node:assert/strict';
import { createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { isStowageError } from '../../core/errors.ts';
import { setUpServer } from './set-up.ts';

/** AuthenticationOk and ReadyForQuery, as PostgreSQL's protocol 3.0 has them. */
const WELCOME = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0, 0x5a, 0, 0, 0, 5, 0x49]);

/** A server that lets everyone in and then does what the test says. */
async function listen(context: TestContext, onQuery: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('data', () => {
      socket.write(WELCOME);
      socket.once('data', () => onQuery(socket));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  context.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  return address.port;
}

const unavailable = (error: unknown) => isStowageError(error, 'database_unavailable');

test('a server that ends while it is set up fails the start, not the process', async (context) => {
  const port = await listen(context, (socket) => socket.resetAndDestroy());
  await assert.rejects(setUpServer({ host: '127.0.0.1', port, user: 'nobody' }), unavailable);
});

test('a server that does not answer while it is set up is waited for only so long', async (context) => {
  const port = await listen(context, () => undefined);
  await assert.rejects(setUpServer({ host: '127.0.0.1', port, user: 'nobody' }, 100), unavailable);
});
