import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { createClient, isClientError, type UploadState } from '../../src/sdk/index.ts';
import { CLOUDS } from '../acceptance/clouds.ts';
import { sample } from '../acceptance/samples/index.ts';
import { JWT_SECRET, startService, until } from '../acceptance/service.ts';
import { claimsFor, mintToken } from '../acceptance/tokens.ts';
import { LONG_BYTES, LONG_PARTS, longVideoIn } from './stand.ts';

describe('the client sends files straight to', () => {
  for (const backend of CLOUDS) {
    test(backend, async () => {
      await using service = await startService({}, { backend });
      const client = createClient({
        url: service.origin,
        token: mintToken(claimsFor('alice'), JWT_SECRET),
        retry: { attemptsMax: 4, delayMsMin: 10, delayMsMax: 50 },
      });
      const image = sample('png', 3);
      const small = await client.upload(image.bytes, {
        ...{ assetType: 'image', filename: 'a.png', mediaType: 'image/png', via: 'direct' },
      });
      assert.equal(small.content_hash, createHash('sha256').update(image.bytes).digest('hex'));

      const video = await longVideoIn(service.directory, 'long.mp4');
      const options = { assetType: 'generated_video', fields: { project_id: 'p' } };
      const stop = new AbortController();
      let kept: UploadState | undefined;
      const interrupted = client.upload(video, {
        ...{ ...options, signal: stop.signal, whenAborted: 'keep', partsInFlight: 2 },
        onState: (state) => {
          kept = state;
          if (state.sentParts.length === 2) stop.abort();
        },
      });
      await assert.rejects(interrupted, (error) => isClientError(error, 'aborted') && error.upload !== null);
      assert.ok(kept);
      assert.ok(kept.sentParts.length < LONG_PARTS);
      const large = await client.resume(JSON.stringify(kept), video);
      assert.equal(large.size_bytes, LONG_BYTES);
      const end = await client.download(large.asset_id, { firstByte: LONG_BYTES - 5 });
      assert.deepEqual(await (await end.blob()).arrayBuffer(), new ArrayBuffer(5));

      const enough = new AbortController();
      const cancelled = client.upload(video, {
        ...{ ...options, signal: enough.signal },
        onState: ({ sentParts }) => sentParts.length === 2 && enough.abort(),
      });
      await assert.rejects(cancelled, { code: 'aborted' });
      assert.equal((await client.usage()).files, 2);
      const left = await until(
        async () => (await service.storedFiles()).filter((name) => name.includes('incoming/')),
        (names) => names.length === 0,
        30,
      );
      assert.deepEqual(left, []);
    });
  }
});
