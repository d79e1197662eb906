import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { fieldParts, filePart, onlyUpload } from './caller.ts';
import { backendOfRun } from './clouds.ts';
import { type Answer, form } from './http.ts';
import { type RawConnection, rawConnection } from './raw.ts';
import { noise } from './samples/bits.ts';
import { png } from './samples/images.ts';
import { sample } from './samples/index.ts';
import { mp4Head } from './samples/media.ts';
import { COMMAND, runStowage, type Service, startService, until } from './service.ts';
import type { Asset } from './wire.ts';

const MIB = 1024 * 1024;

describe('a power cut', () => {
  test('in the middle of uploads loses nothing that was acknowledged', {
    timeout: 120_000,
  }, async (context) => {
    let service = await startService();
    try {
      const acknowledged: Asset[] = [];
      for (let round = 0; round < 2; round++) {
        const caller = service.as('alice');
        let finished = 0;
        const uploads = Array.from({ length: 40 }, async (_, index) => {
          const file = {
            filename: `p${index}.png`,
            mediaType: 'image/png',
            bytes: png({ seed: round * 40 + index + 1, sizeBytes: (index + 1) * 40_000 }),
          };
          const answer = await caller.upload('image', [file]).catch(() => undefined);
          finished += 1;
          if (answer?.status === 200) acknowledged.push(onlyUpload(answer));
        });
        await until(
          async () => finished,
          (count) => count >= 12,
          20,
        );
        await service.kill();
        await Promise.all(uploads);
        service = await service.restart();
      }
      assert.ok(acknowledged.length >= 20, `only ${acknowledged.length} were acknowledged`);
      assert.ok(acknowledged.length < 80, 'the cuts came too late to test anything');

      const caller = service.as('alice');
      const listed = new Map((await caller.assets()).map((asset) => [asset.asset_id, asset]));
      for (const asset of acknowledged) assert.ok(listed.has(asset.asset_id), `${asset.key} is lost`);
      // What was stored but never acknowledged may be listed; its bytes must be whole all the same.
      for (const asset of listed.values()) {
        const { status, body } = await caller.get(`/api/assets/${asset.asset_id}/download`);
        assert.equal(status, 200);
        assert.equal(createHash('sha256').update(body).digest('hex'), asset.content_hash);
      }

      const sweep = (...more: string[]) =>
        runStowage(['sweep', '--json', '--min-age', '0s', ...more], service.environment);
      const found = await sweep();
      assert.ok(found.code === 0 || found.code === 3, `sweep: ${found.code} ${found.stderr}`);
      found.json<unknown>();
      context.diagnostic(`${acknowledged.length} of 80 acknowledged, the sweeper answered ${found.code}`);
      // So many leftovers beside so few assets are what a sweep stops at by itself; here they are right.
      const applied = await sweep('--apply', '--force');
      assert.ok(applied.code === 0 || applied.code === 3, `sweep --apply: ${applied.code} ${applied.stderr}`);
      const again = await sweep();
      assert.equal(again.code, 0, `after --apply nothing is left: ${again.stdout}`);
      const { objects, assets } = again.json<{ objects: number; assets: number }>();
      assert.deepEqual({ objects, assets }, { objects: listed.size, assets: listed.size });
      for (const asset of acknowledged) {
        assert.equal(
          (await service.send('GET', asset.presigned_url)).status,
          200,
          'the sweeper took a living asset',
        );
      }
      const audit = await runStowage(['audit', 'verify', '--json'], service.environment);
      assert.equal(audit.code, 0, audit.stdout + audit.stderr);
      assert.ok((await caller.store('image', sample('png', 500))).asset_id, 'uploads go on');
    } finally {
      await service[Symbol.asyncDispose]();
    }
  });

  test('is followed by a healthy start on what was stored', async () => {
    const first = await startService();
    const { asset_id } = await first.as('alice').store('image', sample('png', 1));
    await first.kill();
    await using second = await first.restart();
    assert.equal((await second.as('alice').get(`/api/assets/${asset_id}`)).status, 200);
  });
});

describe('a first start', () => {
  test('that is killed again and again, ever later, is followed by one that works', async (context) => {
    const service = await startService();
    try {
      await service.stop();
      const environment = { ...service.environment, DATA_DIR: path.join(service.directory, 'data-2') };
      let kills = 0;
      for (let afterMs = 150, isHealthy = false; !isHealthy; afterMs *= 1.35) {
        assert.ok(afterMs < 60_000, 'it never came to answer');
        const child = spawn(process.execPath, [COMMAND, 'serve'], {
          cwd: service.directory,
          env: environment,
          stdio: 'ignore',
        });
        const exited = once(child, 'exit');
        await pause(afterMs);
        isHealthy = await fetch(`${service.origin}/api/health`).then(
          ({ ok }) => ok,
          () => false,
        );
        child.kill('SIGKILL');
        assert.deepEqual(await exited, [null, 'SIGKILL'], 'it ended by itself');
        kills += 1;
      }
      context.diagnostic(`the ${kills}th came to answer`);
      assert.ok(kills >= 3, 'the first kills came too late');
      await using second = await service.restart({ DATA_DIR: environment.DATA_DIR });
      const { asset_id } = await second.as('alice').store('image', sample('png', 1));
      assert.equal((await second.as('alice').get(`/api/assets/${asset_id}/download`)).status, 200);
    } finally {
      await service[Symbol.asyncDispose]();
    }
  });
});

describe('the erasure of a user', () => {
  test('that was accepted is carried out although the service is killed right after', async () => {
    const first = await startService();
    try {
      const bob = first.as('bob');
      for (let index = 0; index < 12; index++) {
        const files = Array.from({ length: 10 }, (_, file) => sample('png', index * 10 + file + 1));
        assert.equal((await bob.upload('image', files)).status, 200);
      }
      const accepted = await first.as('boss', { role: 'admin' }).send('DELETE', '/api/users/bob');
      assert.equal(accepted.status, 202, accepted.text);
      await first.kill();
      await using second = await first.restart();
      const left = await until(
        () => second.as('bob').usage(),
        ({ files }) => files === 0,
        60,
      );
      assert.deepEqual(left, { files: 0, bytes: 0 });
      const gone = await until(
        async () => second.storedFiles(),
        (files) => files.length === 0,
        30,
      );
      assert.deepEqual(gone, []);
    } finally {
      await first[Symbol.asyncDispose]();
    }
  });
});

describe('the sweeper', () => {
  test('finds bytes that no record knows, removes them when told to, and takes nothing else', async () => {
    // An older catalog beside newer bytes, as a restored backup has it: what came after it are leftovers.
    await using service = await startService();
    const caller = service.as('alice');
    const kept: Asset[] = [];
    for (let index = 0; index < 12; index++) kept.push(await caller.store('image', sample('png', index + 1)));
    const backup = path.join(service.directory, 'catalog.backup');
    const exported = await runStowage(['db', 'export', backup], service.environment);
    assert.equal(exported.code, 0, exported.stderr);
    const lost = await caller.store('image', sample('png', 77));
    const filesBefore = (await service.storedFiles()).length;
    await service.stop();

    const elsewhere = path.join(service.directory, 'data-2');
    await using restored = await service.restart({
      DATA_DIR: elsewhere,
      LOCAL_STORAGE_PATH: service.environment.LOCAL_STORAGE_PATH,
    });
    const imported = await runStowage(['db', 'import', backup], restored.environment);
    assert.equal(imported.code, 0, imported.stderr);
    assert.equal((await restored.as('alice').assets()).length, 12);

    const sweep = (...more: string[]) => runStowage(['sweep', '--json', ...more], restored.environment);
    const young = await sweep();
    assert.equal(young.code, 0, `what is younger than a day is left alone: ${young.stdout}`);
    const found = await sweep('--min-age', '0s');
    assert.equal(found.code, 3, found.stdout + found.stderr);
    assert.ok(found.stdout.includes(lost.key), `${lost.key} is named in ${found.stdout}`);
    assert.equal((await restored.storedFiles()).length, filesBefore, 'a dry run removes nothing');
    const applied = await sweep('--min-age', '0s', '--apply');
    assert.ok([0, 3].includes(applied.code ?? -1), applied.stderr);
    // One file is new: the store remembers its catalog since something was removed.
    assert.ok((await restored.storedFiles()).length - 1 < filesBefore);
    assert.equal((await sweep('--min-age', '0s')).code, 0);
    for (const asset of kept) {
      assert.equal((await restored.as('alice').get(`/api/assets/${asset.asset_id}/download`)).status, 200);
    }
  });

  test('stops when too much would go', async () => {
    await using service = await startService();
    for (let index = 0; index < 5; index++) {
      const files = Array.from({ length: 10 }, (_, file) => sample('png', index * 10 + file + 1));
      assert.equal((await service.as('alice').upload('image', files)).status, 200);
    }
    const before = (await service.storedFiles()).length;
    await service.stop();
    // The same bytes under an empty catalog: as if DATABASE_URL named the wrong database.
    await using confused = await service.restart({ DATA_DIR: path.join(service.directory, 'data-2') });
    const result = await runStowage(['sweep', '--json', '--min-age', '0s', '--apply'], confused.environment);
    assert.notEqual(result.code, 0, result.stdout);
    assert.equal((await confused.storedFiles()).length, before, 'nothing was removed');
  });
});

describe('connections', () => {
  test('200 that are cut in the middle leave nothing', async () => {
    await using service = await startService();
    const caller = service.as('cutter');
    const made = form([
      ...fieldParts({ asset_type: 'image' }),
      { ...filePart(sample('png')), body: png({ sizeBytes: 300_000 }) },
    ]);
    const head = uploadHead(caller.token, made.headers['content-type'] ?? '', made.body.length);
    for (let batch = 0; batch < 4; batch++) {
      await Promise.all(
        Array.from({ length: 50 }, async (_, index) => {
          const connection = await rawConnection(service.port);
          await connection.write(head);
          await connection.write(made.body.subarray(0, Math.floor((made.body.length * (index + 1)) / 52)));
          connection.cut();
        }),
      );
    }
    const left = await until(
      () => service.storedFiles(),
      (files) => files.length === 0,
      10,
    );
    assert.deepEqual(left, []);
    assert.deepEqual(await caller.assets(), []);
    assert.deepEqual(await caller.usage(), { files: 0, bytes: 0 });
    assert.equal((await service.send('GET', '/api/health')).json<{ status: string }>().status, 'ok');
  });

  test('of slow clients do not hold up the others', async (context) => {
    await using service = await startService();
    const caller = service.as('slow');
    const made = form([...fieldParts({ asset_type: 'image' }), filePart(sample('png'))]);
    const head = uploadHead(caller.token, made.headers['content-type'] ?? '', made.body.length);
    const slow: RawConnection[] = [];
    for (let index = 0; index < 30; index++) {
      const connection = await rawConnection(service.port);
      await connection.write(head);
      slow.push(connection);
    }
    let trickling = true;
    const trickle = (async () => {
      for (let at = 0; trickling && at < made.body.length - 1; at++) {
        await Promise.all(slow.map((connection) => connection.write(made.body.subarray(at, at + 1))));
        await pause(20);
      }
    })();
    const times: number[] = [];
    for (let index = 0; index < 15; index++) {
      const startedMs = performance.now();
      await service.as('fast').store('image', sample('png', index + 1));
      times.push(performance.now() - startedMs);
    }
    trickling = false;
    await trickle;
    const median = times.toSorted((a, b) => a - b)[7] ?? 0;
    context.diagnostic(`median of the fast uploads: ${Math.round(median)} ms`);
    assert.ok(median < 500, `the median upload took ${Math.round(median)} ms`);
    // One of the slow ones finishes properly and is served like any other.
    const [patient] = slow;
    assert.ok(patient);
    const sent = patient.socket.bytesWritten - Buffer.byteLength(head);
    await patient.write(made.body.subarray(sent));
    assert.equal((await patient.answer(10)).status, 200);
    for (const connection of slow) connection.cut();
  });
});

describe('a large upload', () => {
  test('of 300 MB goes through with flat memory and comes back whole', {
    timeout: 120_000,
  }, async (context) => {
    await using service = await startService();
    const caller = service.as('filmmaker');
    await caller.store('generated_video', sample('mp4'));
    const mediaBytes = 300 * MIB;
    const block = noise(MIB, 9);
    const hash = createHash('sha256');
    const sizeBytes = mp4Head(mediaBytes).length + mediaBytes;
    const tail = Buffer.from('\r\n------stowage7d1f--\r\n');
    const { headers, body: empty } = form([
      ...fieldParts({ asset_type: 'generated_video', project_id: 'p' }),
      { name: 'files', filename: 'film.mp4', mediaType: 'video/mp4', body: '' },
    ]);
    const formHead = empty.subarray(0, -tail.length);
    function* body(): Generator<Buffer> {
      yield formHead;
      const head = mp4Head(mediaBytes);
      hash.update(head);
      yield head;
      for (let sent = 0; sent < mediaBytes; sent += MIB) {
        hash.update(block);
        yield block;
      }
      yield tail;
    }
    const memory = watchMemory(service);
    const answer: Answer = await caller.send('POST', '/api/upload', {
      headers: { ...headers, 'content-length': String(formHead.length + sizeBytes + tail.length) },
      body: Readable.from(body(), { objectMode: false }),
    });
    const asset = onlyUpload(answer);
    const digest = hash.digest('hex');
    assert.equal(asset.size_bytes, sizeBytes);
    assert.equal(asset.content_hash, digest);

    const download = await fetch(asset.presigned_url);
    const received = createHash('sha256');
    for await (const chunk of download.body ?? []) received.update(chunk);
    assert.equal(received.digest('hex'), digest);
    const grownBytes = memory.stop();
    context.diagnostic(`memory grew by ${Math.round(grownBytes / MIB)} MiB`);
    // To a cloud several parts are under way at once, and its client is loaded with the first: the bound of a 1 GiB upload.
    const bytesMax = (backendOfRun() === 'local' ? 120 : 150) * MIB;
    assert.ok(grownBytes < bytesMax, `memory grew by ${Math.round(grownBytes / MIB)} MiB`);
  });
});

describe('forms in single bytes', () => {
  test('take little memory while they wait for their asset type', { timeout: 120_000 }, async (context) => {
    await using service = await startService();
    const { token } = service.as('alice');
    const memory = watchMemory(service);
    const chunk = (bytes: string): string => `${bytes.length.toString(16)}\r\n${bytes}\r\n`;
    const answers = await Promise.all(
      [1, 2, 3].map(async () => {
        const connection = await rawConnection(service.port);
        const head =
          `POST /api/upload HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n` +
          'Content-Type: multipart/form-data; boundary=cut\r\nTransfer-Encoding: chunked\r\n\r\n';
        await connection.write(head);
        for (let file = 0; file < 10; file += 1) {
          const part = `Content-Disposition: form-data; name="files"; filename="${file}.txt"\r\n\r\n`;
          await connection.write(chunk(`${file === 0 ? '' : '\r\n'}--cut\r\n${part}`));
          await connection.write(chunk('a').repeat(40 * 1024));
        }
        await connection.write(`${chunk('\r\n--cut--')}0\r\n\r\n`);
        return connection.answer(60);
      }),
    );
    for (const answer of answers)
      assert.equal(answer.json<{ code: string }>().code, 'missing_field', answer.text);
    const grownBytes = memory.stop();
    context.diagnostic(`memory grew by ${Math.round(grownBytes / MIB)} MiB`);
    assert.ok(grownBytes < 300 * MIB, `memory grew by ${Math.round(grownBytes / MIB)} MiB`);
  });
});

describe('a disk that is not mounted', { skip: backendOfRun() !== 'local' && 'files are in a cloud' }, () => {
  test('is told of at the start, and does not hold a new store up', async () => {
    const first = await startService();
    try {
      await first.as('alice').store('image', sample('png', 1));
      await first.kill();
      assert.doesNotMatch(first.output(), /Is its disk mounted/);
      const files = String(first.environment.LOCAL_STORAGE_PATH);
      await rename(files, `${files}-away`);
      await using second = await first.restart();
      await until(
        async () => second.output(),
        (output) => /"files":1\b.*Is its disk mounted/.test(output),
        10,
      );
      await second.as('alice').store('image', sample('png', 2));
    } finally {
      await first[Symbol.asyncDispose]();
    }
  });
});

function uploadHead(token: string, contentType: string, length: number): string {
  return `POST /api/upload HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\nContent-Type: ${contentType}\r\nContent-Length: ${length}\r\n\r\n`;
}

/** Looks at the resident memory of a process until told to stop; says by how much it grew at most. */
function watchMemory(service: Service): { stop(): number } {
  const resident = () => {
    const status = readFileSync(`/proc/${service.process.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
  };
  const startBytes = resident();
  let most = startBytes;
  const timer = setInterval(() => {
    most = Math.max(most, resident());
  }, 50);
  return {
    stop() {
      clearInterval(timer);
      return most - startBytes;
    },
  };
}
