import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { start } from '../../examples/brand-assets/main.ts';
import { type Chromium, NO_CHROMIUM, openChromium } from '../browser/chromium.ts';
import { phonePicture } from './pictures.ts';
import { openStand, type Stand } from './stand.ts';

const PATIENCE_MS = 60_000;

describe('the page of brand-assets', () => {
  let chromium: Chromium | null = null;
  let stand: Stand;
  before(async () => {
    chromium = await openChromium();
    if (chromium !== null) stand = await openStand(start);
  });
  after(async () => {
    await chromium?.[Symbol.asyncDispose]();
    await stand?.[Symbol.asyncDispose]();
  });

  test('shows the thumbnails of a new brand in a grid, from the cache the second time', async (context) => {
    if (chromium === null) {
      context.skip(NO_CHROMIUM);
      return;
    }
    await using opened = await chromium.openPage(stand.origin);
    const { page } = opened;
    page.setDefaultTimeout(PATIENCE_MS);
    await page.getByLabel('Your name').fill('ana');
    await page.getByRole('button', { name: 'Enter' }).click();

    const files = async (...colours: readonly string[]) =>
      await Promise.all(
        colours.map(async (colour) => ({
          name: `${colour}.jpg`,
          mimeType: 'image/jpeg',
          buffer: await phonePicture(colour),
        })),
      );
    const create = async (name: string, images: Awaited<ReturnType<typeof files>>) => {
      await page.getByRole('textbox', { name: 'Brand' }).fill(name);
      await page.getByLabel('Product images').setInputFiles(images);
      await page.getByRole('button', { name: 'Create' }).click();
    };
    const said = page.locator('#uploads').getByRole('alert');

    await create('Lonely', await files('red'));
    await said.waitFor();
    assert.match((await said.textContent()) ?? '', /at least 2 product_image/);
    await page.getByRole('button', { name: 'Dismiss' }).click();

    const disguised = {
      name: 'logo.png',
      mimeType: 'image/png',
      buffer: Buffer.from('<script>alert(1)</script>'),
    };
    await create('Disguised', [...(await files('red')), disguised]);
    await said.waitFor();
    assert.match((await said.textContent()) ?? '', /named \.png/);
    await page.getByRole('button', { name: 'Dismiss' }).click();

    await create('Acme', await files('red', 'lime', 'blue'));
    const grid = page.getByRole('region', { name: 'Acme' });
    const pictures = grid.getByRole('img');
    await pictures.nth(2).waitFor();
    const widths = () =>
      pictures.evaluateAll(async (all) => {
        const images = all as unknown as { decode(): Promise<void>; naturalWidth: number }[];
        await Promise.all(images.map((image) => image.decode()));
        return images.map((image) => image.naturalWidth);
      });
    assert.deepEqual(await widths(), [240, 240, 240]);

    // The browser asks for the list again, and for no picture: what comes from its cache has crossed no network.
    await page.goto(stand.origin);
    await pictures.nth(2).waitFor();
    assert.deepEqual(await widths(), [240, 240, 240]);
    const transferred = await page.evaluate(() =>
      performance
        .getEntriesByType('resource')
        .map((entry) => entry as unknown as { initiatorType: string; transferSize: number })
        .filter(({ initiatorType }) => initiatorType === 'img')
        .map(({ transferSize }) => transferSize),
    );
    assert.deepEqual(transferred, [0, 0, 0]);

    await grid.getByRole('button', { name: 'Delete red.jpg' }).click();
    await grid.getByRole('button', { name: 'Delete red.jpg' }).waitFor({ state: 'detached' });
    await grid.getByRole('button', { name: 'Delete lime.jpg' }).click();
    await grid.getByText(/at least 2 product_image/).waitFor();
    assert.equal(await pictures.count(), 2);
  });
});
