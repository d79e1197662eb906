import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { Caller } from './caller.ts';
import { backendOfRun, onlyOnLocalDisk } from './clouds.ts';
import { type Answer, assertProblem } from './http.ts';
import { jpeg } from './samples/images.ts';
import { type Sample, sample } from './samples/index.ts';
import { freshDirectory, type Service, startService } from './service.ts';
import type { Asset, Presigned } from './wire.ts';

let service: Service;
let alice: Caller;
let picture: Asset;
let bytes: Buffer;
let shortLived: Asset;
before(async () => {
  service = await startService({ SIGNED_URL_EXPIRATION_SECONDS: '60' });
  alice = service.as('alice');
  shortLived = await alice.store('image', sample('png', 51));
  const file: Sample = {
    filename: 'photo.jpg',
    mediaType: 'image/jpeg',
    bytes: jpeg({ width: 512, height: 512 }),
  };
  bytes = file.bytes;
  picture = await alice.store('image', file);
});
after(async () => {
  await service[Symbol.asyncDispose]();
});

/** A read URL that lives a day, unless told otherwise. */
async function readUrl(asset: Asset, hours = 24): Promise<Presigned> {
  const answer = await alice.get(`/api/assets/${asset.asset_id}/presigned?expiration_hours=${hours}`);
  assert.equal(answer.status, 200, answer.text);
  return answer.json<Presigned>();
}

const BY_STORE = onlyOnLocalDisk('a store answers its own URLs, in its own way');

/** Azure ignores a range counted from the end, which HTTP allows, and the emulators of Azure and Google know none. */
const FROM_END = { skip: ['azure', 'gcs'].includes(backendOfRun()) && 'no ranges from the end here' };

/** A refused signed URL: our own problem document, or on a cloud whatever the store says to a client's fault. */
function assertRefused(answer: Answer, status: number, code: string): void {
  if (backendOfRun() === 'local') assertProblem(answer, status, code);
  else {
    assert.ok(answer.status >= 400 && answer.status < 500, `${answer.status} ${answer.text.slice(0, 300)}`);
    assert.ok(!answer.body.includes(bytes), 'the bytes do not leak');
  }
}

describe('a signed URL', () => {
  test('gives a plain client the bytes, without any token', async () => {
    const { presigned_url } = await readUrl(picture);
    const answer = await service.send('GET', presigned_url);
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.body, bytes);
    assert.equal(answer.headers['content-type'], 'image/jpeg');
    assert.equal(answer.headers['content-length'], String(bytes.length));
  });

  test('is the same when asked for again in the same window', async () => {
    const first = await readUrl(picture);
    const second = await readUrl(picture);
    // A window may end between the two questions; then the third is in the same as the second.
    const third = first.presigned_url === second.presigned_url ? second : await readUrl(picture);
    assert.equal(third.presigned_url, second.presigned_url);
    assert.equal(third.expiration_at, second.expiration_at);
  });

  test(
    'is bound to the one who asked: the owner and an admin get different ones or the log could not tell',
    BY_STORE,
    async () => {
      const admin = service.as('root', { role: 'admin' });
      const answer = await admin.get(`/api/assets/${picture.asset_id}/presigned`);
      assert.notEqual(answer.json<Presigned>().presigned_url, (await readUrl(picture)).presigned_url);
    },
  );

  test('has exactly the fields of the requirement', async () => {
    const presigned = await readUrl(picture, 1);
    assert.deepEqual(Object.keys(presigned).sort(), [
      'asset_id',
      'expiration_at',
      'original_filename',
      'presigned_url',
      'size_bytes',
    ]);
    assert.equal(presigned.asset_id, picture.asset_id);
    assert.equal(presigned.original_filename, 'photo.jpg');
    assert.equal(presigned.size_bytes, bytes.length);
  });

  for (const hours of [1, 24, 168]) {
    test(`lives ${hours} hours when asked to, less at most the window`, async () => {
      const { expiration_at } = await readUrl(picture, hours);
      const livesSeconds = (Date.parse(expiration_at) - Date.now()) / 1000;
      assert.ok(livesSeconds <= hours * 3600 + 2 && livesSeconds > hours * 3600 - 305, `${livesSeconds} s`);
    });
  }

  test('lives 24 hours by default', async () => {
    const answer = await alice.get(`/api/assets/${picture.asset_id}/presigned`);
    const livesSeconds = (Date.parse(answer.json<Presigned>().expiration_at) - Date.now()) / 1000;
    assert.ok(livesSeconds <= 86_402 && livesSeconds > 86_400 - 305, `${livesSeconds} s`);
  });

  for (const hours of ['0', '169', '-1', '1.5', 'abc', '', '1e2', '0x10', '24&expiration_hours=1']) {
    test(`cannot be asked to live "${hours}" hours`, async () => {
      const answer = await alice.get(`/api/assets/${picture.asset_id}/presigned?expiration_hours=${hours}`);
      assertProblem(answer, 400, 'invalid_parameter');
    });
  }

  test('stops working when any part of it is changed', async () => {
    const { presigned_url } = await readUrl(picture);
    const url = new URL(presigned_url);
    const names = [...url.searchParams.keys()];
    assert.ok(names.length >= 2, `a signed URL has parameters: ${presigned_url}`);
    const forgeries: URL[] = [];
    for (const name of names) {
      const value = url.searchParams.get(name) ?? '';
      for (const other of [changed(value), `${value}0`, value.slice(0, -1), '']) {
        const forged = new URL(url);
        forged.searchParams.set(name, other);
        forgeries.push(forged);
      }
      const without = new URL(url);
      without.searchParams.delete(name);
      forgeries.push(without);
    }
    const elsewhere = new URL(url);
    elsewhere.pathname = new URL(shortLived.presigned_url).pathname;
    forgeries.push(elsewhere);
    for (const forged of forgeries) {
      const answer = await service.send('GET', forged.href);
      assert.ok(
        [400, 401, 403, 404].includes(answer.status),
        `${answer.status} for ${forged.href} from ${url.href}`,
      );
      assert.notDeepEqual(answer.body, bytes);
    }
    const unsigned = await service.send('GET', url.origin + url.pathname);
    assertRefused(unsigned, 403, 'forbidden');
  });

  test('with a forged signature is forbidden', async () => {
    const { presigned_url } = await readUrl(picture);
    const forged = presigned_url.replace(
      /(?<=[?&](?:signature|sig|s|X-(?:Stowage|Amz|Goog)-Signature)=)[^&]{6}/,
      'AAAAAA',
    );
    const last =
      forged === presigned_url ? presigned_url.slice(0, -6) + changed(presigned_url.slice(-6)) : forged;
    assertRefused(await service.send('GET', last), 403, 'forbidden');
  });

  test('with a later end is forbidden', async () => {
    const url = new URL((await readUrl(picture)).presigned_url);
    const stretched = [...url.searchParams].find(([, value]) => /^\d{2,}$/.test(value));
    if (stretched === undefined) return;
    url.searchParams.set(stretched[0], String(Number(stretched[1]) + 3600));
    assertRefused(await service.send('GET', url.href), 403, 'forbidden');
  });

  test('for reading can neither write nor delete', async () => {
    const { presigned_url } = await readUrl(picture);
    const put = await service.send('PUT', presigned_url, {
      body: 'overwritten',
      headers: { 'content-type': 'image/jpeg' },
    });
    const refused = backendOfRun() === 'local' ? [403, 404, 405] : [400, 401, 403, 404, 405, 411, 501];
    assert.ok(refused.includes(put.status), `PUT: ${put.status}`);
    for (const method of ['DELETE', 'POST', 'PATCH']) {
      const answer = await service.send(method, presigned_url, { body: 'x' });
      assert.ok(refused.includes(answer.status), `${method}: ${answer.status}`);
    }
    assert.deepEqual((await service.send('GET', presigned_url)).body, bytes);
  });

  test('is dead when its asset is deleted', async () => {
    const asset = await alice.store('image', sample('png', 52));
    const { presigned_url } = await readUrl(asset);
    assert.equal((await service.send('GET', presigned_url)).status, 200);
    assert.equal((await alice.send('DELETE', `/api/assets/${asset.asset_id}`)).status, 204);
    assertRefused(await service.send('GET', presigned_url), 404, 'not_found');
  });
});

/** The same text with its first letter or digit replaced by another. */
function changed(text: string): string {
  return text.replace(/[A-Za-z0-9]/, (character) =>
    character === 'b' ? 'c' : character === '1' ? '2' : /\d/.test(character) ? '1' : 'b',
  );
}

/** Both ways to the bytes obey the same rules. */
const WAYS: Readonly<Record<string, (asset: Asset) => Promise<string>>> = {
  'the download route': async (asset) => `${service.origin}/api/assets/${asset.asset_id}/download`,
  'a signed URL': async (asset) => (await readUrl(asset)).presigned_url,
};

for (const [way, target] of Object.entries(WAYS)) {
  const isSigned = way === 'a signed URL';
  // A signed URL needs no token, and a store refuses to be shown two credentials.
  const ask = (method: string, url: string, headers: Readonly<Record<string, string>> = {}) =>
    service.send(method, url, {
      headers: isSigned ? headers : { authorization: `Bearer ${alice.token}`, ...headers },
    });
  const read = async (headers: Readonly<Record<string, string>>): Promise<Answer> =>
    ask('GET', await target(picture), headers);
  /** What the HTTP of the store is asked for only by its own documents. */
  const ours = isSigned ? BY_STORE : {};

  describe(`reading by ${way}`, () => {
    test('announces ranges, and the hash as a strong ETag', ours, async () => {
      const answer = await read({});
      assert.equal(answer.headers['accept-ranges'], 'bytes');
      assert.equal(answer.headers.etag, `"${picture.content_hash}"`);
    });

    test('HEAD has the headers of GET and no bytes', ours, async () => {
      const url = await target(picture);
      const got = await ask('GET', url);
      const answer = await ask('HEAD', url);
      assert.equal(answer.status, 200);
      assert.equal(answer.body.length, 0);
      for (const name of ['content-length', 'content-type', 'content-disposition', 'etag', 'accept-ranges']) {
        assert.equal(answer.headers[name], got.headers[name], name);
      }
    });

    const ranges: readonly (readonly [string, (size: number) => readonly [number, number]])[] = [
      ['bytes=0-9', () => [0, 10]],
      ['bytes=5-5', () => [5, 6]],
      ['bytes=100-', (size) => [100, size]],
      ['bytes=-7', (size) => [size - 7, size]],
      ['bytes=0-', (size) => [0, size]],
      ['bytes=10-99999999', (size) => [10, size]],
      ['bytes=-99999999', (size) => [0, size]],
    ];
    for (const [range, bounds] of ranges) {
      const fromEnd = range.startsWith('bytes=-') ? FROM_END : {};
      test(`${range} is partial content`, isSigned ? fromEnd : {}, async () => {
        const [start, end] = bounds(bytes.length);
        const answer = await read({ range });
        assert.equal(answer.status, 206);
        assert.equal(answer.headers['content-range'], `bytes ${start}-${end - 1}/${bytes.length}`);
        assert.equal(answer.headers['content-length'], String(end - start));
        assert.deepEqual(answer.body, bytes.subarray(start, end));
      });
    }

    for (const range of ['bytes=99999999-', 'bytes=-0']) {
      test(`${range} is not satisfiable, and the size is told`, ours, async () => {
        const answer = await read({ range });
        assertProblem(answer, 416, 'range_not_satisfiable');
        assert.equal(answer.headers['content-range'], `bytes */${bytes.length}`);
      });
    }

    // RFC 9110 §14.2: a Range that is invalid or of an unknown unit is ignored.
    for (const range of ['bytes=abc', 'bytes=5-2', 'lines=1-2', 'bytes', 'bytes=', 'bytes=1-2x']) {
      test(`${range} is ignored`, ours, async () => {
        const answer = await read({ range });
        assert.equal(answer.status, 200);
        assert.deepEqual(answer.body, bytes);
      });
    }

    test('several ranges at once are answered whole or refused', ours, async () => {
      const answer = await read({ range: 'bytes=0-1,4-5' });
      if (answer.status === 200) assert.deepEqual(answer.body, bytes);
      else assertProblem(answer, 416, 'range_not_satisfiable');
    });

    test('a thousand ranges cost nothing', ours, async () => {
      const many = Array.from({ length: 1000 }, (_, index) => `${index}-`).join(',');
      const answer = await read({ range: `bytes=${many}` });
      assert.ok([200, 416].includes(answer.status), `${answer.status}`);
      assert.ok(answer.body.length <= bytes.length);
    });

    test('If-Range with the ETag gives the part, with another the whole', ours, async () => {
      const range = 'bytes=0-9';
      assert.equal((await read({ range, 'if-range': `"${picture.content_hash}"` })).status, 206);
      assert.equal((await read({ range, 'if-range': '"other"' })).status, 200);
      assert.equal((await read({ range, 'if-range': `W/"${picture.content_hash}"` })).status, 200);
    });

    for (const match of ['"{etag}"', 'W/"{etag}"', '"a", "{etag}"', '*']) {
      test(`If-None-Match: ${match} is not modified`, ours, async () => {
        const answer = await read({ 'if-none-match': match.replace('{etag}', picture.content_hash) });
        assert.equal(answer.status, 304);
        assert.equal(answer.body.length, 0);
        assert.equal(answer.headers.etag, `"${picture.content_hash}"`);
      });
    }

    test('If-None-Match with another ETag gives the bytes', async () => {
      assert.deepEqual((await read({ 'if-none-match': '"other"' })).body, bytes);
    });

    test('is never sniffed, never runs, never kept by shared caches', ours, async () => {
      const { headers } = await read({});
      assert.equal(headers['x-content-type-options'], 'nosniff');
      assert.match(String(headers['content-security-policy']), /sandbox/);
      assert.match(String(headers['content-security-policy']), /default-src 'none'/);
      assert.match(headers['cache-control'] ?? '', /private|no-store/);
      assert.doesNotMatch(headers['cache-control'] ?? '', /public/);
    });

    test('cut in the middle it does not disturb the service', async () => {
      const url = await target(picture);
      await Promise.all(
        Array.from({ length: 20 }, () =>
          fetch(url, isSigned ? {} : { headers: { authorization: `Bearer ${alice.token}` } }).then((answer) =>
            answer.body?.cancel(),
          ),
        ),
      );
      assert.deepEqual((await read({})).body, bytes);
    });
  });
}

describe('disposition', () => {
  const download = async (assetType: string, file: Sample, disposition: string): Promise<string> => {
    const asset = await alice.store(assetType, file);
    const answer = await alice.get(`/api/assets/${asset.asset_id}/download${disposition}`);
    assert.equal(answer.status, 200, answer.text);
    return answer.headers['content-disposition'] ?? '';
  };

  for (const [assetType, extension] of [
    ['image', 'png'],
    ['image', 'gif'],
    ['image', 'avif'],
    ['generated_video', 'mp4'],
    ['invoice', 'pdf'],
  ] as const) {
    test(`${extension} may be shown inline`, async () => {
      assert.match(await download(assetType, sample(extension, 61), '?disposition=inline'), /^inline/);
    });
    test(`${extension} is an attachment unless asked`, async () => {
      assert.match(await download(assetType, sample(extension, 62), ''), /^attachment/);
    });
  }

  for (const [assetType, extension] of [
    ['invoice', 'xml'],
    ['study_material', 'docx'],
    ['study_material', 'md'],
    ['lora_training', 'zip'],
  ] as const) {
    test(`${extension} is an attachment, whatever is asked`, async () => {
      const asset = await alice.store(assetType, sample(extension, 63));
      const answer = await alice.get(`/api/assets/${asset.asset_id}/download?disposition=inline`);
      if (answer.status === 200) assert.match(answer.headers['content-disposition'] ?? '', /^attachment/);
      else assertProblem(answer, 400, 'invalid_parameter');
    });
  }

  test('another disposition is refused', async () => {
    const answer = await alice.get(`/api/assets/${picture.asset_id}/download?disposition=evil`);
    assertProblem(answer, 400, 'invalid_parameter');
  });
});

describe('/public', () => {
  test('does not know private assets', async () => {
    assertProblem(await service.send('GET', `/public/${picture.key}`), 404, 'not_found');
    assertProblem(await alice.get(`/public/${picture.key}`), 404, 'not_found');
  });

  test('serves assets of public types for ever, without a token, for every cache', async () => {
    await using open = await startWithPublicType();
    const owner = open.as('alice');
    const asset = await owner.store('avatar', sample('png', 5, 'me.png'));
    assert.equal(asset.presigned_url, `${open.origin}/public/${asset.key}`);
    const answer = await open.send('GET', asset.presigned_url);
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.body, sample('png', 5).bytes);
    assert.equal(answer.headers.etag, `"${asset.content_hash}"`);
    assert.match(answer.headers['cache-control'] ?? '', /public, max-age=86400/);
    assert.equal(answer.headers['x-content-type-options'], 'nosniff');
    assert.match(String(answer.headers['content-security-policy']), /sandbox/);
    const headers = { 'if-none-match': `"${asset.content_hash}"` };
    assert.equal((await open.send('GET', asset.presigned_url, { headers })).status, 304);
    const part = await open.send('GET', asset.presigned_url, { headers: { range: 'bytes=0-3' } });
    assert.equal(part.status, 206);
    assert.equal(part.body.length, 4);

    const text = await owner.store('avatar', sample('txt', 6));
    const shown = await open.send('GET', text.presigned_url);
    assert.match(
      shown.headers['content-disposition'] ?? '',
      /^attachment/,
      'only safe types are shown inline',
    );

    const hidden = await owner.store('image', sample('png', 7));
    assertProblem(await open.send('GET', `/public/${hidden.key}`), 404, 'not_found');
    assertProblem(await open.send('GET', `/public/avatars/alice/nothing.png`), 404, 'not_found');

    assert.equal((await owner.send('DELETE', `/api/assets/${asset.asset_id}`)).status, 204);
    assertProblem(await open.send('GET', asset.presigned_url), 404, 'not_found');
  });
});

/** A service with one more asset type, declared in a configuration file. */
async function startWithPublicType(): Promise<Service> {
  const directory = freshDirectory();
  const file = path.join(directory, 'stowage.config.json');
  const avatar = {
    accepts: { 'image/png': ['png'], 'text/plain': ['txt'] },
    maxSize: '1mb',
    keyTemplate: 'avatars/{user_id}/{uuid}_{filename}',
    cacheControl: 'public, max-age=86400',
    visibility: 'public',
  };
  writeFileSync(file, JSON.stringify({ assetTypes: { avatar } }));
  try {
    return await startService({ STOWAGE_CONFIG: file });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

describe('time', () => {
  test('a URL past its end is expired', { timeout: 120_000 }, async () => {
    assert.equal((await service.send('HEAD', shortLived.presigned_url)).status === 500, false);
    const restMs = Date.parse(shortLived.expiration_at) - Date.now();
    assert.ok(restMs <= 60_000, `a URL of 60 s lives ${restMs} ms`);
    // The one real wait of the suite: the clock of a service that runs can't be turned from outside.
    if (restMs > -1000) await pause(restMs + 1100);
    assertRefused(await service.send('GET', shortLived.presigned_url), 410, 'expired');
  });
});
