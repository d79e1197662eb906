import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import { start } from '../../examples/study-materials/main.ts';
import { sample } from '../acceptance/samples/index.ts';
import { until } from '../acceptance/service.ts';
import { type Chromium, NO_CHROMIUM, openChromium } from '../browser/chromium.ts';
import { openStand, type Stand } from './stand.ts';

const PATIENCE_MS = 60_000;

describe('the page of study-materials', () => {
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

  /** Runs a test on the page, signed in as a user of its own. */
  const onPage = (
    title: string,
    user: string,
    run: (page: Page, errors: readonly string[]) => Promise<void>,
  ) =>
    test(title, async (context) => {
      if (chromium === null) {
        context.skip(NO_CHROMIUM);
        return;
      }
      await using opened = await chromium.openPage(stand.origin);
      const { page } = opened;
      page.setDefaultTimeout(PATIENCE_MS);
      await page.getByLabel('Your name').fill(user);
      await page.getByRole('button', { name: 'Enter' }).click();
      await page.getByLabel('Files to upload').waitFor();
      await run(page, opened.errors);
    });
  const choose = (page: Page, name: string, buffer: Buffer) =>
    page.getByLabel('Files to upload').setInputFiles({ name, mimeType: '', buffer });
  const materials = (page: Page) => page.getByLabel('Your materials').getByRole('listitem');

  onPage('uploads, lists, downloads and deletes', 'ana', async (page, errors) => {
    const pdf = sample('pdf', 3, 'Week 3.pdf');
    await choose(page, pdf.filename, Buffer.from(pdf.bytes));
    await materials(page).filter({ hasText: 'Week 3.pdf' }).waitFor();
    assert.equal(await page.getByRole('progressbar').count(), 0);

    await page.reload();
    const downloading = page.waitForEvent('download');
    await materials(page).getByRole('link', { name: 'Download' }).click();
    const download = await downloading;
    assert.equal(download.suggestedFilename(), 'Week 3.pdf');
    assert.deepEqual(readFileSync(await download.path()), Buffer.from(pdf.bytes));

    await materials(page).getByRole('button', { name: 'Delete' }).click();
    await materials(page).waitFor({ state: 'detached' });
    // Before it was signed in the page was refused once, and the browser says so.
    assert.deepEqual(
      errors.filter((text) => !text.includes('401')),
      [],
    );
  });

  onPage('says what is wrong with a disguised file', 'bea', async (page) => {
    await choose(page, 'notes.pdf', Buffer.from('MZ\x90\0 this program cannot be run in DOS mode'));
    const said = page.locator('#uploads').getByRole('alert');
    await said.waitFor();
    assert.equal(await said.textContent(), 'The file is named .pdf, but its content is a Windows program.');
    assert.equal(await materials(page).count(), 0);
    await page.getByRole('button', { name: 'Dismiss' }).click();
    await said.waitFor({ state: 'detached' });
  });

  onPage('shows how far an upload is, and cancels it', 'cem', async (page) => {
    const devtools = await page.context().newCDPSession(page);
    const slow = { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 400_000 };
    await devtools.send('Network.emulateNetworkConditions', slow);
    const long = Buffer.concat([
      Buffer.from('A long text.\n'),
      Buffer.alloc(4_000_000, 'All work and no play.\n'),
    ]);
    await choose(page, 'long.txt', long);
    const bar = page.getByRole('progressbar', { name: 'Upload of long.txt' });
    await bar.waitFor();
    const share = await until(
      () => bar.evaluate((element) => Number((element as unknown as { value: number }).value)),
      (value) => value > 0 && value < 1,
      30,
    );
    assert.ok(share > 0 && share < 1, `${share} of it has left`);
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByText('Cancelled.').waitFor();
    await page.reload();
    await page.getByLabel('Files to upload').waitFor();
    assert.equal(await materials(page).count(), 0);
  });
});
