import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import sharp from 'sharp';
import { start } from '../../examples/brand-assets/main.ts';
import { sample } from '../acceptance/samples/index.ts';
import { until } from '../acceptance/service.ts';
import { phonePicture, pixelBomb } from './pictures.ts';
import { openStand, type Stand, signIn, type Visitor } from './stand.ts';

interface Brand {
  readonly id: string;
  readonly name: string;
  readonly product_images: readonly {
    readonly asset_id: string;
    readonly key: string;
    readonly url: string;
    readonly thumbnail_url: string | null;
  }[];
}

describe('brand-assets', () => {
  let stand: Stand;
  let ana: Visitor;
  before(async () => {
    stand = await openStand(start);
    ana = await signIn(stand, 'ana');
  });
  after(() => stand?.[Symbol.asyncDispose]());

  /** Uploads images by the route of REQUIREMENTS. @returns their keys. */
  const upload = async (visitor: Visitor, images: readonly (readonly [name: string, bytes: Buffer])[]) => {
    const form = new FormData();
    for (const [name, bytes] of images) form.append('files', new File([new Uint8Array(bytes)], name));
    form.append('asset_type', 'brand_image');
    const response = await visitor.fetch('/api/upload', { method: 'POST', body: form });
    assert.equal(response.status, 200, await response.clone().text());
    const { uploads } = (await response.json()) as { uploads: { key: string; presigned_url: string }[] };
    return uploads.map(({ key }) => key);
  };
  const colours = ['red', 'green', 'blue', 'white', 'black', 'pink', 'gold', 'cyan', 'gray', 'navy', 'teal'];
  const somePictures = async (visitor: Visitor, count: number) => {
    const pictures = await Promise.all(colours.slice(0, count).map((colour) => phonePicture(colour)));
    const named = pictures.map((bytes, n) => [`${n}.jpg`, bytes] as const);
    return [
      ...(await upload(visitor, named.slice(0, 10))),
      ...(count > 10 ? await upload(visitor, named.slice(10)) : []),
    ];
  };
  const create = (visitor: Visitor, name: string, keys: readonly string[]) =>
    visitor.fetch('/api/brands', json('POST', { name, product_images: keys }));
  const brandOf = async (visitor: Visitor, id: string) =>
    (await (await visitor.fetch(`/api/brands/${id}`)).json()) as Brand;
  const withThumbnails = (visitor: Visitor, id: string) =>
    until(
      () => brandOf(visitor, id),
      ({ product_images: images }) => images.every(({ thumbnail_url: url }) => url !== null),
      60,
    );

  test('makes a brand of 2 to 10 images by their keys, and of no other number', async () => {
    const keys = await somePictures(ana, 11);
    for (const count of [0, 1, 11]) {
      const refused = await create(ana, 'Acme', keys.slice(0, count));
      assert.equal(refused.status, 400, `${count} images`);
      assert.equal(((await refused.json()) as { code: string }).code, 'invalid_parameter');
    }
    assert.deepEqual(await (await ana.fetch('/api/brands')).json(), { items: [] });
    for (const count of [2, 10]) {
      const created = await create(ana, `Acme ${count}`, keys.slice(0, count));
      assert.equal(created.status, 201);
      const brand = (await created.json()) as Brand;
      assert.deepEqual(
        brand.product_images.map(({ key }) => key),
        keys.slice(0, count),
      );
    }
    const unknown = await create(ana, 'Acme', ['brand-images/ana/nothing.jpg', keys[0] ?? '']);
    assert.equal(unknown.status, 400);
  });

  test('adds up to ten images, and deletes down to two', async () => {
    const bea = await signIn(stand, 'bea');
    const keys = await somePictures(bea, 11);
    const { id } = (await (await create(bea, 'Acme', keys.slice(0, 9))).json()) as Brand;
    const add = (more: readonly string[]) =>
      bea.fetch(`/api/brands/${id}/images`, json('POST', { keys: more }));
    assert.equal((await add(keys.slice(9, 11))).status, 400);
    assert.equal((await add(keys.slice(9, 10))).status, 200);
    for (let left = 10; left > 2; left -= 1) {
      const [image] = (await brandOf(bea, id)).product_images;
      const gone = await bea.fetch(`/api/brands/${id}/images/${image?.asset_id}`, { method: 'DELETE' });
      assert.equal(gone.status, 204);
    }
    const { product_images: two } = await brandOf(bea, id);
    assert.equal(two.length, 2);
    const refused = await bea.fetch(`/api/brands/${id}/images/${two[0]?.asset_id}`, { method: 'DELETE' });
    assert.equal(refused.status, 409);
    // Nor past the brand: a linked image stays.
    const around = await bea.fetch(`/api/assets/${two[0]?.asset_id}`, { method: 'DELETE' });
    assert.equal(around.status, 409);
    assert.deepEqual((await brandOf(bea, id)).product_images.length, 2);
    assert.equal((await bea.fetch(`/api/brands/${id}`, { method: 'DELETE' })).status, 204);
    assert.equal((await bea.fetch(`/api/assets/${two[0]?.asset_id}`, { method: 'DELETE' })).status, 204);
  });

  test('makes thumbnails without place and camera, turned as the picture is', async () => {
    const cem = await signIn(stand, 'cem');
    const original = await phonePicture('teal');
    const { orientation, exif } = await sharp(original).metadata();
    assert.equal(orientation, 6);
    assert.ok(exif?.includes('Phone'));
    const keys = await upload(cem, [
      ['a.jpg', original],
      ['b.png', Buffer.from(sample('png', 5).bytes)],
    ]);
    const { id } = (await (await create(cem, 'Acme', keys)).json()) as Brand;
    const brand = await withThumbnails(cem, id);
    const response = await fetch(brand.product_images[0]?.thumbnail_url ?? '');
    assert.equal(response.headers.get('content-type'), 'image/webp');
    assert.match(response.headers.get('cache-control') ?? '', /^private, max-age=\d+, immutable$/);
    const thumbnail = await sharp(Buffer.from(await response.arrayBuffer())).metadata();
    assert.deepEqual([thumbnail.width, thumbnail.height, thumbnail.exif], [240, 320, undefined]);
    // Asked for again within five minutes it is the same URL, for which the browser has the picture.
    assert.deepEqual(await brandOf(cem, id), brand);
  });

  test('gives up on a pixel bomb, and goes on with the next picture', async () => {
    const dan = await signIn(stand, 'dan');
    const [bomb = ''] = await upload(dan, [['bomb.png', await pixelBomb()]]);
    const keys = [bomb, ...(await somePictures(dan, 2))];
    const { id } = (await (await create(dan, 'Acme', keys)).json()) as Brand;
    const { product_images: images } = await until(
      () => brandOf(dan, id),
      ({ product_images: [, second, third] }) => Boolean(second?.thumbnail_url && third?.thumbnail_url),
      60,
    );
    assert.deepEqual(
      images.map(({ thumbnail_url: url }) => url !== null),
      [false, true, true],
    );
  });

  test('removes the thumbnail after its image', async () => {
    const eva = await signIn(stand, 'eva');
    const { id } = (await (await create(eva, 'Acme', await somePictures(eva, 3))).json()) as Brand;
    const [image] = (await withThumbnails(eva, id)).product_images;
    assert.equal((await fetch(image?.thumbnail_url ?? '')).status, 200);
    await eva.fetch(`/api/brands/${id}/images/${image?.asset_id}`, { method: 'DELETE' });
    const status = async () => (await fetch(image?.thumbnail_url ?? '')).status;
    assert.equal(await until(status, (code) => code !== 200, 60), 404);
  });

  test('keeps videos by project and LoRA sets by brand, each for its owner alone', async () => {
    const fay = await signIn(stand, 'fay');
    const { id } = (await (await create(fay, 'Acme', await somePictures(fay, 2))).json()) as Brand;
    const places = [
      [`/api/projects/spring-1/videos`, sample('mp4', 1), /^generated-videos\/spring-1\/\d+_[0-9a-f]{8}_/],
      [`/api/brands/${id}/lora-sets`, sample('zip', 1), new RegExp(`^lora-training/${id}/\\d+_[0-9a-f]{8}_`)],
    ] as const;
    for (const [path, file, keyPattern] of places) {
      const form = new FormData();
      form.append('file', new File([file.bytes.slice()], file.filename));
      const stored = await fay.fetch(path, { method: 'POST', body: form });
      assert.equal(stored.status, 201, await stored.clone().text());
      const { asset_id: assetId, key } = (await stored.json()) as { asset_id: string; key: string };
      assert.match(key, keyPattern);
      const listed = (await (await fay.fetch(path)).json()) as { items: { asset_id: string }[] };
      assert.deepEqual(
        listed.items.map((item) => item.asset_id),
        [assetId],
      );
      assert.equal((await ana.fetch(path)).status, 404);
      assert.equal((await ana.fetch(path, { method: 'POST', body: form })).status, 404);
    }
    assert.equal((await ana.fetch(`/api/brands/${id}`)).status, 404);
  });
});

function json(method: string, body: unknown): RequestInit {
  return { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}
