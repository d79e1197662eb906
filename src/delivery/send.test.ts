import assert from 'node:assert/strict';
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { openBody, sendBody } from './send.ts';

type Handler = (response: ServerResponse) => Promise<void>;

/** Runs one exchange over a real socket: what the client got, or that the connection was cut. */
async function exchange(
  handle: Handler,
  onAnswer?: (answer: IncomingMessage) => void,
): Promise<Buffer | 'cut'> {
  const handled = Promise.withResolvers<void>();
  const server = createServer((_request, response) => {
    handle(response).then(handled.resolve, handled.reject);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const received = new Promise<Buffer | 'cut'>((resolve) => {
    const request = get({ port, host: '127.0.0.1', agent: false }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('error', () => resolve('cut'));
      answer.on('close', () => resolve(answer.complete ? Buffer.concat(chunks) : 'cut'));
      onAnswer?.(answer);
    });
    request.on('error', () => resolve('cut'));
  });
  try {
    const result = await received;
    await handled.promise;
    return result;
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

/** A body of so many chunks of 64 KiB that tells whether it was released. */
function bodyOf(chunks: number, sizeBytes = 64 * 1024) {
  const state = { given: 0, released: false };
  async function* generate() {
    try {
      for (; state.given < chunks; state.given += 1) yield Buffer.alloc(sizeBytes, state.given);
    } finally {
      state.released = true;
    }
  }
  return { state, body: generate() };
}

const plan = (contentBytes: number) => ({ status: 200, headers: {}, contentBytes });

describe('sending', () => {
  for (const chunks of [1, 2, 100]) {
    test(`${chunks} chunks arrive whole, and the source is released`, async () => {
      const { body, state } = bodyOf(chunks);
      const got = await exchange(async (response) =>
        sendBody(response, plan(chunks * 64 * 1024), await openBody(body)),
      );
      assert.ok(Buffer.isBuffer(got) && got.byteLength === chunks * 64 * 1024);
      assert.ok(state.released);
    });
  }

  test('to a client that leaves stops reading the source and releases it', async () => {
    const { body, state } = bodyOf(100_000);
    const got = await exchange(
      async (response) => sendBody(response, plan(100_000 * 64 * 1024), await openBody(body)),
      (answer) => answer.once('data', () => answer.destroy()),
    );
    assert.equal(got, 'cut');
    assert.ok(state.released);
    assert.ok(state.given < 10_000, `${state.given} chunks were read for nobody`);
  });

  test('to a client that reads nothing waits instead of filling memory', async () => {
    const { body, state } = bodyOf(100_000);
    await exchange(
      async (response) => sendBody(response, plan(100_000 * 64 * 1024), await openBody(body)),
      (answer) => {
        answer.pause();
        let before = -1;
        const look = () => {
          // The source stands still: everything between has been filled.
          if (state.given === before) answer.destroy();
          else setTimeout(look, 50);
          before = state.given;
        };
        look();
      },
    );
    assert.ok(state.released);
    assert.ok(state.given < 2000, `${state.given} chunks of 64 KiB are on their way`);
  });

  for (const [what, chunks] of [
    ['shorter', 2],
    ['longer', 4],
  ] as const) {
    test(`a body that is ${what} than announced cuts the connection`, async () => {
      const { body, state } = bodyOf(chunks);
      let thrown: unknown;
      const got = await exchange(async (response) => {
        try {
          await sendBody(response, plan(3 * 64 * 1024), await openBody(body));
        } catch (error) {
          thrown = error;
        }
      });
      assert.equal(got, 'cut');
      assert.match(String(thrown), new RegExp(what));
      assert.ok(state.released);
    });
  }

  test('a source that fails midway cuts the connection and says why', async () => {
    const failure = new Error('the disk is on fire');
    async function* burning() {
      yield Buffer.alloc(1000);
      throw failure;
    }
    let thrown: unknown;
    const got = await exchange(async (response) => {
      try {
        await sendBody(response, plan(2000), await openBody(burning()));
      } catch (error) {
        thrown = error;
      }
    });
    assert.equal(got, 'cut');
    assert.equal(thrown, failure);
  });

  test('a source that fails at once fails before a byte is sent', async () => {
    const failure = new Error('no disk');
    await assert.rejects(
      openBody({
        [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(failure) }),
      }),
      failure,
    );
  });
});
