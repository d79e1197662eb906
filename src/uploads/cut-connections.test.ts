import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, it } from 'node:test';
import { MIB } from '../core/bytes.ts';
import { isStowageError } from '../core/errors.ts';
import { Bucket } from '../storage/bucket.ts';
import { openLocalBackend } from '../storage/local/backend.ts';
import { journalThread } from '../storage/local/journal-thread.ts';
import type { LocalBackend } from '../storage/local/options.ts';
import {
  BOUNDARY,
  type FixtureOptions,
  formBody,
  formRequest,
  type IntakeFixture,
  note,
  openIntakeFixture,
  TYPE,
} from './intake-fixture.ts';

const CUTS = 200;

interface LocalFixture extends AsyncDisposable {
  readonly fixture: IntakeFixture;
  readonly local: LocalBackend;
  /** Files below the store's root that are neither its format file nor an object. */
  strayFiles(): Promise<string[]>;
}

async function openLocalFixture(changes: FixtureOptions = {}): Promise<LocalFixture> {
  const root = await mkdtemp(join(tmpdir(), 'stowage-cut-'));
  const local = await openLocalBackend({ root, publicUrl: 'http://x', signingSecrets: ['s'.repeat(32)] });
  const bucket = new Bucket(local);
  const fixture = await openIntakeFixture({ wrapBucket: () => bucket, backendName: 'local', ...changes });
  return {
    fixture,
    local,
    strayFiles: async () => {
      await journalThread().rest();
      const found = await readdir(root, { recursive: true, withFileTypes: true });
      const files = found.filter((entry) => entry.isFile() && entry.name !== 'format.json');
      // The journal belongs to the running process, whatever was uploaded.
      return files.filter(({ parentPath }) => !/objects|journal/.test(parentPath)).map(({ name }) => name);
    },
    async [Symbol.asyncDispose]() {
      await fixture[Symbol.asyncDispose]();
      await local.close();
      await rm(root, { recursive: true, force: true });
    },
  };
}

async function objectCount(local: LocalBackend): Promise<number> {
  return (await local.list({ prefix: '', cursor: null, limit: 1000 })).entries.length;
}

describe('over a real server', () => {
  it(`${CUTS} connections cut at any place leave nothing`, async () => {
    await using opened = await openLocalFixture();
    const { fixture, local } = opened;
    const outcomes: string[] = [];
    let settled = 0;
    const server = createServer((request: IncomingMessage, response: ServerResponse) => {
      const leaves = new AbortController();
      response.once('close', () => response.writableFinished || leaves.abort());
      const changes = {
        body: request,
        contentLength: Number(request.headers['content-length']),
        signal: leaves.signal,
      };
      fixture.intake
        .receiveForm(formRequest(Buffer.alloc(0), changes))
        .then(
          () => outcomes.push('stored'),
          (error: unknown) => outcomes.push(isStowageError(error) ? error.code : String(error)),
        )
        .finally(() => {
          settled += 1;
          server.emit('settled');
          response.end();
        });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;

    const large = note('large.txt', 'x'.repeat(400_000));
    const bodies = [formBody([TYPE, note('a.txt'), large]), formBody([note('a.txt'), large, TYPE])];
    for (let cut = 0; cut < CUTS; cut += 1) {
      const body = bodies[cut % 2] ?? assert.fail();
      const head =
        `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n` +
        `Content-Type: multipart/form-data; boundary=${BOUNDARY}\r\n\r\n`;
      const sentBytes = Math.floor((cut / CUTS) * (body.length - 1));
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => {});
      await once(socket, 'connect');
      // A reset throws away what the server has not read: the request must have arrived before.
      const arrived = once(server, 'request');
      socket.write(Buffer.concat([Buffer.from(head), body.subarray(0, sentBytes)]));
      await arrived;
      if (cut % 3 === 0) socket.resetAndDestroy();
      else socket.destroy();
    }
    while (settled < CUTS) await once(server, 'settled');
    server.close();

    assert.deepEqual(new Set(outcomes), new Set(['aborted']));
    assert.equal(await objectCount(local), 0);
    assert.deepEqual(await opened.strayFiles(), []);
    assert.deepEqual(await fixture.spoolNames(), []);
    assert.deepEqual(await fixture.assets(), []);
    assert.deepEqual(await fixture.entries(), []);
  });
});

describe('an upload of 200 MB', () => {
  const line = Buffer.alloc(64 * 1024, 'All work and no play makes a dull file.\n');

  function bigForm(typeFirst: boolean): Readable {
    const [start = '', end = ''] = formBody([
      ...(typeFirst ? [{ ...TYPE, value: 'book' }] : []),
      note('big.txt', '@@'),
      ...(typeFirst ? [] : [{ ...TYPE, value: 'book' }]),
    ])
      .toString('latin1')
      .split('@@');
    async function* chunks() {
      yield Buffer.from(start);
      for (let sentBytes = 0; sentBytes < 200e6; sentBytes += line.length) yield Buffer.from(line);
      yield Buffer.from(end);
    }
    return Readable.from(chunks(), { objectMode: false });
  }

  for (const typeFirst of [true, false]) {
    it(`takes little memory when its asset type comes ${typeFirst ? 'before' : 'after'} it`, async () => {
      await using opened = await openLocalFixture({ spoolBytesMax: 256 * MIB });
      const { intake, spoolNames } = opened.fixture;
      const beforeBytes = process.memoryUsage().rss;
      let peakBytes = 0;
      const watch = setInterval(() => {
        peakBytes = Math.max(peakBytes, process.memoryUsage().rss);
      }, 5);
      const request = formRequest(Buffer.alloc(0), { body: bigForm(typeFirst), contentLength: null });
      const { assets } = await intake.receiveForm(request).finally(() => clearInterval(watch));
      assert.ok((assets[0]?.sizeBytes ?? 0) >= 200e6);
      assert.deepEqual(await spoolNames(), []);
      const grownMib = (peakBytes - beforeBytes) / MIB;
      assert.ok(grownMib < 100, `grew by ${grownMib.toFixed(0)} MiB`);
    });
  }
});
