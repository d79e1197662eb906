import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, openAsBlob, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { UploadProgress, UploadState } from '../../src/sdk/index.ts';
import { sample } from '../acceptance/samples/index.ts';
import { until } from '../acceptance/service.ts';
import { isPart, LONG_BYTES, LONG_PARTS, openStand, type Stand } from './stand.ts';

const MIB = 1024 * 1024;
const VIDEO = { assetType: 'generated_video', fields: { project_id: 'p-1' } };

let stand: Stand;
let video: File;
before(async () => {
  stand = await openStand();
  video = await stand.longVideo();
});
after(async () => {
  await stand[Symbol.asyncDispose]();
});
beforeEach(() => {
  stand.proxy.fault = () => null;
});

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
/** Requests that reached the proxy since a moment. */
const seenSince = (start: number) => stand.proxy.seen.slice(start);

describe('a small file', () => {
  const file = sample('png', 3, 'Große "Katze" 猫.png');

  for (const via of ['form', 'direct'] as const) {
    test(`goes by ${via} and keeps its name, fields, metadata and hash`, async () => {
      const alice = stand.clientOf('alice');
      const progress: UploadProgress[] = [];
      const asset = await alice.upload(file.bytes, {
        ...{ via, assetType: 'image', filename: file.filename, mediaType: 'image/png' },
        metadata: { album: 7 },
        onProgress: (each) => progress.push(each),
      });
      assert.deepEqual(
        [asset.filename, asset.content_hash, asset.size_bytes, asset.mime_type, asset.metadata],
        [file.filename, sha256(file.bytes), file.bytes.length, 'image/png', { album: 7 }],
      );
      assert.deepEqual(progress.at(0), { sentBytes: 0, totalBytes: file.bytes.length, phase: 'sending' });
      assert.deepEqual(
        progress.slice(-2).map(({ phase }) => phase),
        ['completing', 'done'],
      );
      const { body } = await stand.service.send('GET', asset.presigned_url);
      assert.deepEqual(body, file.bytes);
    });
  }

  for (const [name, source] of [
    ['a File', () => new File([new Uint8Array(file.bytes)], file.filename, { type: file.mediaType })],
    ['a Blob', () => new Blob([new Uint8Array(file.bytes)])],
    ['an ArrayBuffer', () => new Uint8Array(file.bytes).buffer],
    ['a view into a larger buffer', () => Buffer.concat([Buffer.alloc(9), file.bytes]).subarray(9)],
    ['a web stream', () => new Blob([new Uint8Array(file.bytes)]).stream()],
    ['a stream of Node', () => Readable.from([file.bytes.subarray(0, 10), file.bytes.subarray(10)])],
  ] as const) {
    test(`may be ${name}`, async () => {
      const given = source();
      const named = given instanceof File ? {} : { filename: file.filename };
      const asset = await stand.clientOf('alice').upload(given, { assetType: 'image', ...named });
      assert.equal(asset.content_hash, sha256(file.bytes));
    });
  }

  test('is stored once although the answer to its form is lost', async () => {
    const bob = stand.clientOf('bob');
    let isLost = false;
    stand.proxy.fault = ({ method }) => {
      const loseAnswer = method === 'POST' && !isLost;
      isLost ||= loseAnswer;
      return { loseAnswer };
    };
    const asset = await bob.upload(file.bytes, { assetType: 'image', filename: file.filename });
    assert.ok(isLost);
    assert.deepEqual(await bob.usage(), { files: 1, bytes: asset.size_bytes });
  });

  test('is stored once although the answer to its completion is lost', async () => {
    const carl = stand.clientOf('carl');
    let isLost = false;
    stand.proxy.fault = ({ url }) => {
      const loseAnswer = url?.endsWith('/complete') === true && !isLost;
      isLost ||= loseAnswer;
      return { loseAnswer };
    };
    const options = { assetType: 'image', filename: file.filename, via: 'direct' } as const;
    const asset = await carl.upload(file.bytes, options);
    assert.ok(isLost);
    assert.deepEqual(await carl.usage(), { files: 1, bytes: asset.size_bytes });
  });
});

test('several files are stored together, or none is and the error names the one at fault', async () => {
  const dora = stand.clientOf('dora');
  const files = [sample('png', 1), sample('jpg', 2)].map(({ bytes, filename, mediaType }) => ({
    ...{ file: bytes, filename, mediaType },
  }));
  const assets = await dora.uploadTogether(files, { assetType: 'image' });
  assert.deepEqual(
    assets.map(({ filename }) => filename),
    ['sample-1.png', 'sample-2.jpg'],
  );
  const bad = { file: Buffer.from('no picture'), filename: 'bad.png', mediaType: 'image/png' };
  await assert.rejects(dora.uploadTogether([...files, bad], { assetType: 'image' }), {
    name: 'StowageClientError',
    code: 'file_type_mismatch',
    status: 400,
    filename: 'bad.png',
    declared: 'image/png',
    isRetryable: false,
  });
  assert.equal((await dora.usage()).files, 2);
});

describe('a large file', () => {
  test('goes up in parts, side by side, and tells how far it is', async () => {
    const start = stand.proxy.seen.length;
    let inFlight = 0;
    let inFlightMost = 0;
    stand.proxy.fault = (incoming) => {
      if (!isPart(incoming.url)) return null;
      inFlight += 1;
      inFlightMost = Math.max(inFlightMost, inFlight);
      incoming.once('close', () => {
        inFlight -= 1;
      });
      return null;
    };
    const sent: number[] = [];
    const asset = await stand.clientOf('eve').upload(video, {
      ...VIDEO,
      partsInFlight: 3,
      onProgress: ({ sentBytes, totalBytes }) => {
        assert.equal(totalBytes, LONG_BYTES);
        sent.push(sentBytes);
      },
    });
    assert.equal(asset.size_bytes, LONG_BYTES);
    assert.equal(seenSince(start).filter(({ url }) => isPart(url)).length, LONG_PARTS);
    assert.ok(inFlightMost >= 2 && inFlightMost <= 3, `${inFlightMost} in flight`);
    assert.ok(new Set(sent).size > 2 * LONG_PARTS, `${sent.length} events`);
    assert.deepEqual(
      sent,
      sent.toSorted((a, b) => a - b),
    );
  });

  test('may be a stream of known size, of which only the parts in flight are in memory', async () => {
    const asset = await stand.clientOf('eve').upload(video.stream(), {
      ...{ ...VIDEO, filename: 'stream.mp4', mediaType: 'video/mp4' },
      sizeBytes: LONG_BYTES,
      partsInFlight: 2,
    });
    assert.equal(asset.size_bytes, LONG_BYTES);
  });

  test('survives a connection that is cut in the middle of a part, and a store that is busy', async () => {
    const faults = new Map<string, number>();
    stand.proxy.fault = ({ url = '' }) => {
      if (!isPart(url)) return null;
      const tries = faults.get(url) ?? 0;
      faults.set(url, tries + 1);
      if (tries > 0) return null;
      return faults.size % 2 === 0 ? { cutRequestAfterBytes: 5 * MIB } : { status: 503 };
    };
    const asset = await stand.clientOf('eve').upload(video, VIDEO);
    assert.equal(asset.size_bytes, LONG_BYTES);
    assert.deepEqual([...faults.values()], new Array(LONG_PARTS).fill(2));
  });

  test('asks for a fresh URL when the store refuses the one it had', async () => {
    let refused = 0;
    const start = stand.proxy.seen.length;
    stand.proxy.fault = ({ url }) => {
      if (!isPart(url) || refused === 2) return null;
      refused += 1;
      return { status: 403 };
    };
    await stand.clientOf('eve').upload(video, VIDEO);
    assert.ok(seenSince(start).some(({ method, url }) => method === 'POST' && url.endsWith('/parts')));
  });

  test('is taken up where it was after the network was gone, by another client and from JSON', async () => {
    let state = '';
    let allowed = 3;
    stand.proxy.fault = ({ url }) => {
      if (!isPart(url)) return null;
      allowed -= 1;
      return allowed >= 0 ? null : { cutRequestAfterBytes: MIB };
    };
    const options = { ...VIDEO, partsInFlight: 1, onState: keep };
    function keep(each: UploadState) {
      state = JSON.stringify(each);
    }
    await assert.rejects(stand.clientOf('fred').upload(video, options), (error: unknown) => {
      const { code, isRetryable, upload } = error as {
        code: string;
        isRetryable: boolean;
        upload: UploadState;
      };
      assert.deepEqual([code, isRetryable, upload.sentParts], ['network_error', true, [1, 2, 3]]);
      assert.deepEqual(upload, JSON.parse(state));
      return true;
    });
    stand.proxy.fault = () => null;
    const start = stand.proxy.seen.length;
    const progress: UploadProgress[] = [];
    const again = await stand.longVideo();
    const asset = await stand.clientOf('fred').resume(state, again, {
      onProgress: (each) => progress.push(each),
    });
    assert.equal(asset.size_bytes, LONG_BYTES);
    assert.equal(seenSince(start).filter(({ url }) => isPart(url)).length, LONG_PARTS - 3);
    assert.ok((progress[0]?.sentBytes ?? 0) >= 16 * MIB);
    // What was kept is older than what happened: the same asset.
    const replayed = await stand.clientOf('fred').resume(state, again);
    assert.equal(replayed.asset_id, asset.asset_id);
  });

  test('is not taken up with another file', async () => {
    let state: UploadState | undefined;
    const stop = new AbortController();
    const uploading = stand.clientOf('gina').upload(video, {
      ...VIDEO,
      signal: stop.signal,
      whenAborted: 'keep',
      onState: (each) => {
        state = each;
        stop.abort();
      },
    });
    await assert.rejects(uploading, { code: 'aborted' });
    assert.ok(state);
    const other = new Blob([await video.slice(0, LONG_BYTES - 1).arrayBuffer(), 'x']);
    const gina = stand.clientOf('gina');
    await assert.rejects(gina.resume(state, other), { code: 'source_changed' });
    await assert.rejects(gina.resume(state, video.slice(1)), { code: 'source_changed' });
    await assert.rejects(gina.resume('{}', video), { code: 'invalid_state' });
    await gina.abandon(state);
    await gina.abandon(state);
    await assert.rejects(gina.resume(state, video), { code: 'not_found' });
  });
});

describe('an upload that is aborted', () => {
  test('in the middle of its parts leaves nothing', async () => {
    const before = (await stand.service.storedFiles()).length;
    const hugo = stand.clientOf('hugo');
    const stop = new AbortController();
    let state: UploadState | undefined;
    const uploading = hugo.upload(video, {
      ...VIDEO,
      signal: stop.signal,
      onState: (each) => {
        state = each;
        if (each.sentParts.length === 2) stop.abort(new Error('enough'));
      },
    });
    await assert.rejects(uploading, { code: 'aborted' });
    assert.deepEqual(await hugo.usage(), { files: 0, bytes: 0 });
    const complete = `/api/uploads/${state?.uploadId}/complete`;
    assert.equal((await stand.service.as('hugo').send('POST', complete)).status, 404);
    const left = await until(
      async () => (await stand.service.storedFiles()).length,
      (count) => count <= before,
      30,
    );
    assert.equal(left, before);
  });

  test('before it begins sends nothing', async () => {
    const start = stand.proxy.seen.length;
    const signal = AbortSignal.abort();
    const file = sample('png');
    for (const via of ['form', 'direct'] as const) {
      const options = { assetType: 'image', filename: 'a.png', via, signal };
      await assert.rejects(stand.clientOf('hugo').upload(file.bytes, options), { code: 'aborted' });
    }
    assert.equal(stand.proxy.seen.length, start);
  });

  test('while the service judges it becomes no asset', async () => {
    const ida = stand.clientOf('ida');
    const stop = new AbortController();
    const file = sample('png');
    const uploading = ida.upload(file.bytes, {
      ...{ assetType: 'image', filename: 'a.png', via: 'direct', signal: stop.signal },
      onProgress: ({ phase }) => {
        // Let the request leave first: it is judged when the client has gone.
        if (phase === 'completing') setTimeout(() => stop.abort(), 20);
      },
    });
    const outcome = await uploading.then(
      () => 'stored',
      (error: { code: string }) => error.code,
    );
    // A tiny file may be stored before it is aborted; then its caller knows it.
    assert.deepEqual(
      await ida.usage(),
      outcome === 'stored' ? { files: 1, bytes: file.bytes.length } : { files: 0, bytes: 0 },
    );
  });
});

describe('a refusal', () => {
  for (const via of ['form', 'direct'] as const) {
    test(`by ${via} has the code and the facts of the service`, async () => {
      const jan = stand.clientOf('jan');
      const gif = sample('gif');
      const options = { assetType: 'image', filename: 'a.png', mediaType: 'image/png', via };
      await assert.rejects(jan.upload(gif.bytes, options), (error: unknown) => {
        const { code, detected, status, requestId, upload } = error as Record<string, unknown>;
        assert.deepEqual([code, detected, status, upload], ['file_type_mismatch', 'image/gif', 400, null]);
        assert.match(String(requestId), /\S/);
        return true;
      });
      const wrong = { ...options, filename: 'a.gif', mediaType: 'image/gif', sha256: '0'.repeat(64) };
      await assert.rejects(jan.upload(gif.bytes, wrong), { code: 'digest_mismatch' });
      await assert.rejects(jan.upload(new Uint8Array(0), options), { code: 'empty_file' });
      await assert.rejects(jan.upload(gif.bytes, { ...options, assetType: 'nothing' }), {
        code: 'unknown_asset_type',
        parameter: 'asset_type',
      });
      await assert.rejects(
        jan.upload(sample('zip').bytes, { assetType: 'task_attachment', filename: 'a.zip', via }),
        {
          code: 'missing_field',
        },
      );
    });
  }

  test('of a file without a name comes before anything is sent', async () => {
    const jan = stand.clientOf('jan');
    await assert.rejects(jan.upload(new Blob(['x']), { assetType: 'image' }), {
      code: 'missing_field',
      parameter: 'filename',
    });
  });
});

test('a file that is written to while it is sent is told from the network', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'stowage-client-'));
  const name = join(directory, 'a.png');
  writeFileSync(name, Buffer.alloc(20 * MIB));
  const blob = await openAsBlob(name);
  const options = { ...VIDEO, filename: 'a.mp4', via: 'direct' } as const;
  const onState = () => writeFileSync(name, 'something else');
  await assert.rejects(stand.clientOf('leo').upload(blob, { ...options, onState }), {
    code: 'source_unreadable',
  });
  await assert.rejects(stand.clientOf('leo').upload(blob, options), { code: 'source_unreadable' });
  rmSync(directory, { recursive: true });
});

describe('a stream', () => {
  test('that fails ends its upload with its own error as the cause', async () => {
    const failure = new Error('the disk is gone');
    async function* broken() {
      yield new Uint8Array(20 * MIB);
      throw failure;
    }
    const kim = stand.clientOf('kim');
    const options = { ...VIDEO, filename: 'a.mp4', mediaType: 'video/mp4', sizeBytes: LONG_BYTES };
    await assert.rejects(kim.upload(broken(), options), { code: 'source_unreadable', cause: failure });
  });

  test('of another size than was said is told from its file', async () => {
    const kim = stand.clientOf('kim');
    const short = { assetType: 'image', filename: 'a.png', sizeBytes: 10 };
    await assert.rejects(kim.upload(new Blob(['123']).stream(), short), { code: 'source_changed' });
    await assert.rejects(kim.upload(new Blob(['x'.repeat(11)]).stream(), short), { code: 'source_changed' });
  });
});
