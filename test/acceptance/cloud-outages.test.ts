import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { describe, test } from 'node:test';
import { type Caller, fieldParts } from './caller.ts';
import { CLOUDS } from './clouds.ts';
import { type Answer, assertProblem, form } from './http.ts';
import { noise } from './samples/bits.ts';
import { sample } from './samples/index.ts';
import { mp4Head } from './samples/media.ts';
import { type Service, startService, until } from './service.ts';
import type { Health } from './wire.ts';

const MIB = 1024 * 1024;
const FILM_BYTES = 24 * MIB;

const health = async (service: Service) => (await service.send('GET', '/api/health')).json<Health>();

/** Sends a film of 24 MiB; `onHalf` is waited for when half of it has been handed over. */
function sendFilm(caller: Caller, onHalf: () => Promise<void>): Promise<Answer> {
  const { headers, body } = form([
    ...fieldParts({ asset_type: 'generated_video', project_id: 'p' }),
    { name: 'files', filename: 'film.mp4', mediaType: 'video/mp4', body: '' },
  ]);
  const end = Buffer.from('\r\n------stowage7d1f--\r\n');
  const before = Buffer.concat([body.subarray(0, -end.length), mp4Head(FILM_BYTES)]);
  async function* film(): AsyncGenerator<Buffer> {
    yield before;
    for (let sent = 0; sent < FILM_BYTES; sent += MIB) {
      if (sent === FILM_BYTES / 2) await onHalf();
      yield noise(MIB, 9);
    }
    yield end;
  }
  return caller.send('POST', '/api/upload', {
    headers: { ...headers, 'content-length': String(before.length + FILM_BYTES + end.length) },
    body: Readable.from(film(), { objectMode: false }),
  });
}

for (const backend of CLOUDS) {
  describe(`a store that is gone: ${backend}`, () => {
    test('is answered with 503 at once, and is used again when it is back, without a restart', async () => {
      await using service = await startService({}, { backend });
      const caller = service.as('alice');
      const asset = await caller.store('image', sample('png', 1));
      const download = `/api/assets/${asset.asset_id}/download`;
      await service.store.cut();

      const tookMs: number[] = [];
      for (let turn = 0; turn < 6; turn += 1) {
        const startMs = performance.now();
        const answer =
          turn % 2 === 0 ? await caller.upload('image', [sample('png', 2)]) : await caller.get(download);
        tookMs.push(performance.now() - startMs);
        assertProblem(answer, 503, 'storage_unavailable');
        assert.match(String(answer.headers['retry-after']), /^[1-9]\d*$/);
      }
      const [, , median = 0] = tookMs.toSorted((one, other) => one - other);
      assert.ok(median < 1000, `answered within a second, not ${tookMs.map(Math.round).join(', ')} ms`);
      const seen = await until(
        () => health(service),
        ({ status }) => status === 'degraded',
        15,
      );
      assert.equal(seen.status, 'degraded');
      assert.equal((await service.send('GET', '/api/health/ready')).status, 503);
      assert.equal((await caller.assets()).length, 1, 'the catalog answers, and no failed upload left a row');

      await service.store.mend();
      const again = await until(
        () => caller.get(download),
        ({ status }) => status === 200,
        30,
      );
      assert.deepEqual(again.body, sample('png', 1).bytes);
      await caller.store('image', sample('png', 3));
      const healthy = await until(
        () => health(service),
        ({ status }) => status === 'ok',
        15,
      );
      assert.equal(healthy.status, 'ok');
    });

    test('in the middle of an upload leaves no asset, and the next try succeeds', async () => {
      await using service = await startService({}, { backend });
      const caller = service.as('alice');
      const answer = await sendFilm(caller, () => service.store.cut());
      assertProblem(answer, 503, 'storage_unavailable');
      assert.match(String(answer.headers['retry-after']), /^[1-9]\d*$/);
      assert.deepEqual(await caller.usage(), { files: 0, bytes: 0 });

      await service.store.mend();
      const retried = await until(
        () => sendFilm(caller, async () => {}),
        ({ status }) => status !== 503,
        60,
      );
      assert.equal(retried.status, 200, retried.text);
      const [asset] = await caller.assets();
      const read = await service.send('GET', asset?.presigned_url ?? '');
      assert.equal(read.body.length, FILM_BYTES + mp4Head(FILM_BYTES).length);
    });
  });
}
