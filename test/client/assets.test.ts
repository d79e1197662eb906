import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import { after, before, beforeEach, describe, test } from 'node:test';
import { createClient, isClientError, type StowageClient } from '../../src/sdk/index.ts';
import { sample } from '../acceptance/samples/index.ts';
import { freePort, JWT_SECRET } from '../acceptance/service.ts';
import { claimsFor, mintToken } from '../acceptance/tokens.ts';
import { LONG_BYTES, openStand, type Stand } from './stand.ts';

const MIB = 1024 * 1024;
const PNG = { assetType: 'image', filename: 'a.png', mediaType: 'image/png' };
const RETRY = { attemptsMax: 3, delayMsMin: 1, delayMsMax: 5 };

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

let stand: Stand;
before(async () => {
  stand = await openStand({ UPLOADS_PER_HOUR: '20' });
});
after(async () => {
  await stand[Symbol.asyncDispose]();
});
beforeEach(() => {
  stand.proxy.fault = () => null;
});

describe('a list', () => {
  let ana: StowageClient;
  const ids: string[] = [];
  before(async () => {
    ana = stand.clientOf('ana');
    for (let seed = 0; seed < 5; seed++) {
      ids.unshift((await ana.upload(sample('png', seed).bytes, PNG)).asset_id);
    }
    const pdf = { assetType: 'study_material', filename: 'a.pdf' };
    ids.unshift((await ana.upload(sample('pdf').bytes, pdf)).asset_id);
  });

  test('has every asset once, newest first, over pages of any size', async () => {
    for (const pageSize of [1, 2, 6, 200]) {
      const seen = await collect(ana.list({ pageSize }));
      assert.deepEqual(
        seen.map((asset) => asset.asset_id),
        ids,
      );
    }
  });

  test('asks for no page before it is needed', async () => {
    const start = stand.proxy.seen.length;
    for await (const asset of ana.list({ pageSize: 2 })) {
      if (asset.asset_id === ids[2]) break;
    }
    assert.equal(stand.proxy.seen.length - start, 2);
  });

  test('page by page goes on after a cursor, and keeps to one type', async () => {
    const [first] = await collect(ana.listPages({ pageSize: 4 }));
    assert.equal(first?.assets.length, 4);
    const rest = await collect(ana.list({ cursor: first?.next_cursor ?? '' }));
    assert.deepEqual(
      rest.map((asset) => asset.asset_id),
      ids.slice(4),
    );
    const documents = await collect(ana.list({ assetType: 'study_material' }));
    assert.deepEqual(
      documents.map((asset) => asset.asset_id),
      ids.slice(0, 1),
    );
    await assert.rejects(ana.list({ pageSize: 201 }).next(), {
      code: 'invalid_parameter',
      parameter: 'limit',
    });
  });
});

test('an asset is read, signed for, counted and removed', async () => {
  const ben = stand.clientOf('ben');
  const file = sample('png', 8);
  const asset = await ben.upload(file.bytes, PNG);
  assert.equal((await ben.get(asset.asset_id)).content_hash, asset.content_hash);
  const signed = await ben.presigned(asset.asset_id, { expirationHours: 2 });
  assert.equal(signed.size_bytes, file.bytes.length);
  assert.ok(Date.parse(signed.expiration_at) > Date.now() + 3600_000);
  assert.deepEqual((await stand.service.send('GET', signed.presigned_url)).body, file.bytes);
  assert.deepEqual(await ben.usage(), { files: 1, bytes: file.bytes.length });
  await assert.rejects(stand.clientOf('eve').get(asset.asset_id), { code: 'forbidden', status: 403 });
  await ben.delete(asset.asset_id);
  await assert.rejects(ben.delete(asset.asset_id), { code: 'not_found', status: 404 });
  await assert.rejects(ben.presigned(asset.asset_id), { code: 'not_found' });
});

test('a removal whose answer is lost is done, not missing', async () => {
  const ben = stand.clientOf('ben');
  const asset = await ben.upload(sample('png', 9).bytes, PNG);
  let lost = 0;
  stand.proxy.fault = () => ({ loseAnswer: lost++ === 0 });
  await ben.delete(asset.asset_id);
  assert.equal(lost, 2);
});

describe('a download', () => {
  let cara: StowageClient;
  let assetId = '';
  let video: File;
  before(async () => {
    cara = stand.clientOf('cara');
    video = await stand.longVideo();
    const options = { assetType: 'generated_video', fields: { project_id: 'p' } };
    assetId = (await cara.upload(video, options)).asset_id;
  });
  const bytesOf = async (blob: Blob) => Buffer.from(await blob.arrayBuffer());

  test('has the bytes, their size, type and validator', async () => {
    const { body, sizeBytes, totalBytes, mediaType, etag } = await cara.download(assetId);
    assert.deepEqual([sizeBytes, totalBytes, mediaType], [LONG_BYTES, LONG_BYTES, 'video/mp4']);
    assert.match(etag ?? '', /^"[0-9a-f]{64}"$/);
    let bytes = 0;
    for await (const chunk of body) bytes += chunk.byteLength;
    assert.equal(bytes, LONG_BYTES);
  });

  test('of a range has that range', async () => {
    const range = await cara.download(assetId, { firstByte: 4, lastByte: 7 });
    assert.deepEqual([range.sizeBytes, range.totalBytes], [4, LONG_BYTES]);
    assert.equal((await bytesOf(await range.blob())).toString(), 'ftyp');
    const end = await cara.download(assetId, { firstByte: LONG_BYTES - 3 });
    assert.equal((await bytesOf(await end.blob())).length, 3);
    await assert.rejects(cara.download(assetId, { firstByte: LONG_BYTES }), {
      code: 'range_not_satisfiable',
    });
  });

  test('that is cut again and again arrives whole', async () => {
    let cuts = 0;
    stand.proxy.fault = () => (cuts++ < 7 ? { cutAfterBytes: MIB } : null);
    const download = await cara.download(assetId, { firstByte: 1, lastByte: 20 * MIB });
    const got = await bytesOf(await download.blob());
    assert.deepEqual(got, await bytesOf(video.slice(1, 20 * MIB + 1)));
    assert.ok(cuts > 7, `${cuts} requests`);
  });

  test('ends with its signal, and when nobody reads on', async () => {
    const stop = new AbortController();
    const { body } = await cara.download(assetId, { signal: stop.signal });
    const reader = body.getReader();
    await reader.read();
    stop.abort();
    const readOn = async () => {
      while (!(await reader.read()).done);
    };
    await assert.rejects(readOn(), { code: 'aborted' });
    const other = await cara.download(assetId);
    await other.body.cancel();
  });
});

describe('a token', () => {
  test('is asked for again, once, when it was refused', async () => {
    const tokens = ['expired', mintToken(claimsFor('dan'), JWT_SECRET)];
    let asked = 0;
    const dan = stand.clientOf('dan', { token: async () => tokens[asked++] ?? '' });
    assert.deepEqual(await dan.usage(), { files: 0, bytes: 0 });
    assert.equal(asked, 2);
  });

  test('that is wrong or can not be had is an error of its own', async () => {
    await assert.rejects(stand.clientOf('dan', { token: 'nonsense' }).usage(), {
      code: 'unauthenticated',
      status: 401,
    });
    const cause = new Error('logged out');
    const token = () => Promise.reject(cause);
    await assert.rejects(stand.clientOf('dan', { token }).usage(), { code: 'unauthenticated', cause });
  });

  test('goes to the service alone, never to the store', async () => {
    const authorized: string[] = [];
    stand.proxy.fault = ({ method, url, headers }) => {
      if (headers.authorization !== undefined) authorized.push(`${method} ${url?.split('/')[1]}`);
      return null;
    };
    await stand.clientOf('dan').upload(sample('png').bytes, { ...PNG, via: 'direct' });
    assert.deepEqual(new Set(authorized), new Set(['POST api']));
  });
});

describe('when the service', () => {
  /** Something else that listens where the service should. */
  const answering = async (
    answer: RequestListener,
    run: (client: StowageClient) => Promise<void>,
    stallMs = 60_000,
  ) => {
    const port = await freePort();
    const server = createServer(answer);
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${port}/`;
    try {
      await run(createClient({ url, token: 'token', retry: RETRY, stallMs }));
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  };

  test('is not there, that is a network error after as many tries as allowed', async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    const client = createClient({ url, token: 'token', retry: RETRY });
    await assert.rejects(client.usage(), { code: 'network_error', status: null, isRetryable: true });
    const file = sample('png').bytes;
    for (const via of ['form', 'direct'] as const) {
      await assert.rejects(client.upload(file, { ...PNG, via }), { code: 'network_error' });
    }
  });

  test('is down behind a proxy, it is asked again', async () => {
    let asked = 0;
    await answering(
      (_request, response) => {
        response.writeHead(++asked < 3 ? 502 : 200).end('{"files":0,"bytes":0}');
      },
      async (client) => {
        assert.deepEqual(await client.usage(), { files: 0, bytes: 0 });
      },
    );
    assert.equal(asked, 3);
  });

  test('is something else, the error says so', async () => {
    await answering(
      (_request, response) => response.end('<h1>It works</h1>'),
      async (client) => {
        await assert.rejects(client.usage(), { code: 'unexpected_answer', status: 200 });
        await assert.rejects(client.upload(sample('png').bytes, PNG), { code: 'unexpected_answer' });
      },
    );
  });

  test('takes no bytes any more, the upload is cut and tried again', async () => {
    let asked = 0;
    await answering(
      (request, response) => {
        asked += 1;
        // Reads nothing: the connection fills up and stands still.
        request.pause();
        response.on('error', () => {});
      },
      async (client) => {
        const file = new Blob([new Uint8Array(64 * MIB)]);
        await assert.rejects(client.upload(file, { ...PNG, via: 'form' }), { code: 'network_error' });
      },
      500,
    );
    assert.ok(asked >= 1 && asked <= RETRY.attemptsMax, `${asked} requests`);
  });

  test('asks for more patience than a minute, it is not waited for', async () => {
    const eli = stand.clientOf('eli');
    for (let seed = 0; seed < 20; seed++) await eli.upload(sample('png', seed).bytes, PNG);
    for (const via of ['form', 'direct'] as const) {
      await assert.rejects(eli.upload(sample('png').bytes, { ...PNG, via }), (error: unknown) => {
        assert.ok(isClientError(error, 'rate_limited'));
        assert.deepEqual([error.status, error.isRetryable], [429, true]);
        assert.ok((error.retryAfterSeconds ?? 0) > 60, `${error.retryAfterSeconds} s`);
        return true;
      });
    }
  });
});

test('a client brings its own fetch', async () => {
  const asked: string[] = [];
  const fetch = async function (this: unknown, url: string, init: RequestInit) {
    // As the fetch of a page: it works for its window alone.
    assert.equal(this, undefined);
    asked.push(`${init.method ?? 'GET'} ${new URL(url).pathname.split('/').slice(0, 3).join('/')}`);
    return await globalThis.fetch(url, init);
  };
  const fay = stand.clientOf('fay', { fetch });
  const asset = await fay.upload(sample('png').bytes, { ...PNG, via: 'direct' });
  await (await fay.download(asset.asset_id)).blob();
  await fay.upload(sample('png').bytes, PNG);
  assert.deepEqual(asked, [
    'POST /api/uploads',
    'PUT /files/incoming',
    'POST /api/uploads',
    'GET /api/assets',
    'POST /api/upload',
  ]);
});
