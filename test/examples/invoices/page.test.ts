import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { start } from '../../../examples/invoices/main.ts';
import { type BrowserPage, type Chromium, NO_CHROMIUM, openChromium } from '../../browser/chromium.ts';
import { openStand, type Stand } from '../stand.ts';
import { drawScan } from './sample-pdf.ts';
import { ublInvoice } from './sample-xml.ts';
import { makeSamples } from './samples.ts';

const chromium = await openChromium();
const WAIT_MS_MAX = 60_000;

describe('the page of invoices', { skip: chromium === null ? NO_CHROMIUM : false }, () => {
  const browser = chromium as Chromium;
  let stand: Stand;
  let opened: BrowserPage;
  before(async () => {
    stand = await openStand(start);
    opened = await browser.openPage(stand.origin);
    opened.page.setDefaultTimeout(WAIT_MS_MAX);
  });
  after(async () => {
    await opened?.[Symbol.asyncDispose]();
    await stand?.[Symbol.asyncDispose]();
    await browser[Symbol.asyncDispose]();
  });

  const choose = (name: string, mimeType: string, bytes: Uint8Array) =>
    opened.page
      .getByLabel('Invoices to upload')
      .setInputFiles({ name, mimeType, buffer: Buffer.from(bytes) });

  test('opens an account', async () => {
    const { page } = opened;
    await page.getByLabel('E-mail').fill('ana@acme.example');
    await page.getByLabel('Password').fill('anas long password');
    await page.getByText('New here?').click();
    await page.getByLabel('Company').fill('Acme');
    await page.getByRole('button', { name: 'Open an account' }).click();
    await page.getByLabel('Invoices to upload').waitFor();
  });

  test('shows what was read, how sure it is, and the document beside it', async () => {
    const { page } = opened;
    const sample = (await makeSamples()).find(({ filename }) => filename === 'german-letter.pdf');
    assert.ok(sample);
    await choose(sample.filename, sample.mediaType, sample.bytes);
    const number = page.locator('label.sure', { has: page.locator('input[name=number]') }).locator('input');
    await number.waitFor();
    assert.equal(await number.inputValue(), 'RE-2025-0417');
    assert.equal(await page.locator('label.sure').count(), 7);
    await page.getByText('1234.63 EUR').waitFor();
    await page.locator('iframe[src^="blob:"]').waitFor({ state: 'attached' });
  });

  test('says that a scan has no text, and takes what a person types in', async () => {
    const { page } = opened;
    await choose('scan.pdf', 'application/pdf', await drawScan());
    await page.getByText(/it is a scan/).waitFor();
    assert.equal(await page.locator('label.missing').count(), 7);
    await page.locator('input[name=number]').fill('S-1');
    await page.locator('input[name=date]').fill('2026-01-31');
    await page.getByRole('button', { name: 'Confirm' }).click();
    await page.locator('label.sure input[name=number]').waitFor();
    await page.getByText('S-1 · 2026-01-31').waitFor();
  });

  test('says why a file was refused, and runs nothing that stands in an invoice', async () => {
    const { page } = opened;
    await choose('invoice.pdf', 'application/pdf', Buffer.from('MZ\x90\x00 a program'));
    await page.getByText(/its content is a Windows program/).waitFor();
    const facts = {
      number: 'X-1',
      date: '2026-01-01',
      currency: 'EUR',
      net: '1.00',
      tax: '0.00',
      total: '1.00',
    };
    const supplier = '<img src=x onerror=document.title="run">';
    await choose('x.xml', 'application/xml', Buffer.from(ublInvoice({ ...facts, supplier })));
    await page.locator('.invoice', { hasText: supplier }).waitFor();
    assert.equal(await page.title(), 'Invoices');
  });

  test('stays logged in when it is opened again, in two tabs at once too, until somebody logs out', async () => {
    const { page } = opened;
    const other = await page.context().newPage();
    await Promise.all([page.reload(), other.goto(stand.origin)]);
    for (const tab of [page, other]) await tab.getByText('1234.63 EUR').waitFor({ timeout: WAIT_MS_MAX });
    await other.close();
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByRole('button', { name: 'Log in' }).waitFor();
    assert.equal(await page.getByText('1234.63 EUR').count(), 0);
  });

  test('has no error but those that were asked for', () => {
    // Browsers note each refused request: the first question whether somebody is logged in, and the program.
    const others = opened.errors.filter((error) => !/status of (?:401|400)/.test(error));
    assert.deepEqual(others, []);
  });
});
