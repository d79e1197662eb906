import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import sharp from 'sharp';
import { start } from '../../examples/image-gallery/main.ts';
import { freePort, until } from '../acceptance/service.ts';
import { type Chromium, NO_CHROMIUM, openChromium } from '../browser/chromium.ts';
import { type CountingProxy, startCountingProxy } from '../servers/counting-proxy.ts';
import { noVarnish, startVarnish, type Varnish } from '../servers/varnish.ts';
import { type Ask, formOf, openStand, type Stand, signIn } from './stand.ts';

const reason = noVarnish();
if (reason !== false) console.log(`# ${reason}`);
const WAIT_SECONDS_MAX = 60;
const AVIF = { accept: 'image/avif,image/webp,*/*' };
const WEBP = { accept: 'image/webp,*/*' };

/** A photo as a camera writes it: turned, and with its place. */
const photo = async (color: string) => ({
  ...{ filename: `${color}.jpg`, mediaType: 'image/jpeg' },
  bytes: await sharp({ create: { width: 1200, height: 800, channels: 3, background: color } })
    .withExif({ IFD0: { Model: 'Camera' }, IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '52/1 30/1 0/1' } })
    .jpeg()
    .toBuffer(),
});

describe('image-gallery behind Varnish', { skip: reason }, () => {
  let stand: Stand;
  let proxy: CountingProxy;
  let varnish: Varnish;
  let ana: Ask;
  before(async () => {
    const port = await freePort();
    const { privateKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    });
    const cdn = `http://127.0.0.1:${port}`;
    stand = await openStand(start, {
      env: {
        ...{
          CDN_URL: cdn,
          CDN_PURGE_URL: cdn,
          CDN_KEY_PAIR_ID: 'K2JCJMDEHXQW5F',
          CDN_PRIVATE_KEY: privateKey,
        },
        TRUST_PROXY: '127.0.0.1',
        LOG_LEVEL: 'silent',
      },
    });
    proxy = await startCountingProxy(stand.origin);
    varnish = await startVarnish({ configuration: 'service', backend: proxy.origin, port });
    ana = stand.as('ana');
  });
  after(async () => {
    await varnish?.[Symbol.asyncDispose]();
    await proxy?.[Symbol.asyncDispose]();
    await stand?.[Symbol.asyncDispose]();
  });

  const add = async (color: string, visibility: 'public' | 'private'): Promise<string> => {
    const { status, json } = await ana(
      'POST',
      `/images?visibility=${visibility}`,
      formOf([await photo(color)]),
    );
    assert.equal(status, 201);
    const { id } = json.images[0];
    const isReady = async (): Promise<boolean> =>
      (await ana('GET', '/images')).json.images.some(
        (each: { id: string; sizes: string }) => each.id === id && each.sizes === 'ready',
      );
    assert.ok(await until(isReady, (ready) => ready, WAIT_SECONDS_MAX), 'the sizes are made');
    return `/images/${id}`;
  };
  /** Where a size is; nobody follows. */
  const locate = (path: string, headers: Record<string, string>) =>
    fetch(new URL(path, stand.origin), { headers, redirect: 'manual' });
  const read = async (url: string) => {
    const answer = await fetch(url);
    return { answer, bytes: Buffer.from(await answer.arrayBuffer()), cache: answer.headers.get('x-cache') };
  };
  const fetched = (url: string) =>
    proxy.requests.filter((line) => line.startsWith(`GET ${new URL(url).pathname}`)).length;

  test('shows a public image to everybody in the format they take: first a miss, then a hit', async () => {
    const image = await add('teal', 'public');
    for (const [headers, format] of [
      [AVIF, 'avif'],
      [WEBP, 'webp'],
    ] as const) {
      const found = await locate(`${image}/thumb`, headers);
      assert.deepEqual(
        [found.status, found.headers.get('vary'), found.headers.get('cache-control')],
        [302, 'Accept', 'public, max-age=600'],
      );
      const url = found.headers.get('location') ?? '';
      assert.ok(url.startsWith(`${varnish.origin}/public/gallery/`), url);
      const first = await read(url);
      assert.deepEqual([first.answer.status, first.cache], [200, 'miss']);
      assert.equal(first.answer.headers.get('content-type'), `image/${format}`);
      assert.equal(first.answer.headers.get('cache-control'), 'public, max-age=31536000, immutable');
      const second = await read(url);
      assert.equal(second.cache, 'hit');
      assert.deepEqual(second.bytes, first.bytes);
      assert.equal(fetched(url), 1);
      const { width, height, exif } = await sharp(first.bytes).metadata();
      assert.deepEqual([width, height, exif], [320, 213, undefined], 'small, and without its place');
    }
  });

  test('keeps a private image private, however warm the cache is', async () => {
    const image = await add('maroon', 'private');
    const { authorization } = await headerOf('ana');
    const found = await locate(`${image}/medium`, { ...AVIF, authorization });
    assert.deepEqual([found.status, found.headers.get('cache-control')], [302, 'private, max-age=600']);
    const url = found.headers.get('location') ?? '';
    assert.ok(url.startsWith(`${varnish.origin}/cdn/variants/`), url);
    assert.equal((await read(url)).cache, 'miss');
    const again = await read(url);
    assert.equal(again.cache, 'hit');
    assert.match(again.answer.headers.get('cache-control') ?? '', /^private, /);
    const [bare = ''] = url.split('?');
    assert.deepEqual([(await read(bare)).answer.status, fetched(url)], [403, 1]);
    assert.equal((await read(bare.replace('/cdn/', '/public/'))).answer.status, 404);
    assert.equal((await locate(`${image}/medium`, AVIF)).status, 401);
    const ben = await headerOf('ben');
    assert.equal((await locate(`${image}/medium`, { ...AVIF, ...ben })).status, 404);
    const { json } = await stand.as('ben')('GET', '/images');
    assert.ok(!json.images.some(({ id }: { id: string }) => image.endsWith(id)));
  });

  test('makes no other sizes, and forgets a deleted image in the cache too', async () => {
    const image = await add('gold', 'public');
    for (const size of ['4000', 'thumb-png', 'constructor', 'large.webp']) {
      assert.equal((await locate(`${image}/${size}`, AVIF)).status, 404, size);
    }
    const url = (await locate(`${image}/large`, WEBP)).headers.get('location') ?? '';
    assert.equal((await read(url)).answer.status, 200);
    assert.equal((await stand.as('ben')('DELETE', image)).status, 404);
    assert.equal((await ana('DELETE', image)).status, 204);
    assert.equal((await locate(`${image}/large`, WEBP)).status, 401);
    const gone = await until(
      () => read(url),
      ({ answer }) => answer.status === 404,
      2 * WAIT_SECONDS_MAX,
    );
    assert.equal(gone.answer.status, 404, 'no cache has what was made of it');
  });

  test('unpacks no picture of more pixels than fit into memory, and goes on with the others', async () => {
    const bytes = await sharp({ create: { width: 8000, height: 8000, channels: 3, background: 'black' } })
      .png({ compressionLevel: 6 })
      .toBuffer();
    assert.ok(bytes.length < 1024 * 1024, 'small as a file');
    const bomb = { filename: 'bomb.png', mediaType: 'image/png', bytes };
    const { status, json } = await ana('POST', '/images', formOf([bomb]));
    assert.equal(status, 201);
    const next = await add('olive', 'public');
    assert.equal((await locate(`${next}/thumb`, AVIF)).status, 302);
    const { id } = json.images[0];
    const state = async () =>
      (await ana('GET', '/images')).json.images.find((each: { id: string }) => each.id === id).sizes;
    assert.equal(await until(state, (sizes) => sizes !== 'waiting', WAIT_SECONDS_MAX), 'none');
    const path = `/images/${id}/thumb`;
    assert.equal((await locate(path, { ...AVIF, ...(await headerOf('ana')) })).status, 404);
  });

  test('shows its images in a grid', async (context) => {
    const chromium: Chromium | null = await openChromium();
    if (chromium === null) return context.skip(NO_CHROMIUM);
    await using _closing = chromium;
    await using opened = await chromium.openPage(stand.origin);
    const { page, errors } = opened;
    page.setDefaultTimeout(WAIT_SECONDS_MAX * 1000);
    const { filename: name, mediaType: mimeType, bytes: buffer } = await photo('navy');
    await page.setInputFiles('input[type=file]', { name, mimeType, buffer });
    await page.click('button[type=submit]');
    const image = page.locator(`[data-image="${name}"] img`);
    await image.waitFor();
    const shown = () =>
      image.evaluate((element) => {
        const { naturalWidth, currentSrc } = element as unknown as {
          naturalWidth: number;
          currentSrc: string;
        };
        return { naturalWidth, currentSrc };
      });
    const { naturalWidth } = await until(shown, (each) => each.naturalWidth > 0, WAIT_SECONDS_MAX);
    assert.ok(naturalWidth > 0, 'the picture is drawn');
    assert.ok(proxy.requests.some((line) => line.includes('/cdn/variants/') && line.includes('avif')));
    await page.setInputFiles('input[type=file]', { name: 'a.png', mimeType: 'image/png', buffer });
    await page.click('button[type=submit]');
    assert.match((await page.locator('[role=alert]').textContent()) ?? '', /png|jpe?g/i);
    assert.deepEqual(
      errors.filter((error) => !error.includes('400')),
      [],
    );
  });

  const headerOf = async (name: string) => ({ authorization: `Bearer ${(await signIn(stand, name)).token}` });
});
