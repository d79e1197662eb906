import { existsSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { type Browser, chromium, type Page } from 'playwright-core';

/** Where distributions put Chromium; `CHROMIUM_PATH` names another place. */
const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
/** It calls nobody: no updates, no sync, no background requests. */
const FLAGS = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
  '--disable-dev-shm-usage',
];
const START_MS_MAX = 60_000;

/** A browser that really runs. */
export interface Chromium extends AsyncDisposable {
  /** A page of its own: no storage or cookie of another. What its scripts throw fails the test that looks. */
  openPage(url: string): Promise<BrowserPage>;
}

/** A page, and what went wrong in it. */
export interface BrowserPage extends AsyncDisposable {
  readonly page: Page;
  /** Errors that no script caught, and errors on its console. */
  readonly errors: readonly string[];
}

/**
 * Starts Chromium for a test. Without one the test is skipped and says so, or fails when `TEST_REQUIRE` names
 * `chromium`.
 *
 * @returns null when there is none: the test has been skipped.
 */
export async function openChromium(context: Pick<TestContext, 'skip'>): Promise<Chromium | null> {
  const executablePath = [process.env.CHROMIUM_PATH ?? '', ...PLACES].find((place) => existsSync(place));
  if (executablePath === undefined) {
    const message = 'Chromium is not installed: nothing was tried in a real browser.';
    if (process.env.TEST_REQUIRE?.includes('chromium')) throw new Error(message);
    console.log(`# ${message}`);
    context.skip(message);
    return null;
  }
  const browser = await chromium.launch({ executablePath, args: FLAGS, timeout: START_MS_MAX });
  return {
    openPage: (url) => openPage(browser, url),
    [Symbol.asyncDispose]: () => browser.close(),
  };
}

async function openPage(browser: Browser, url: string): Promise<BrowserPage> {
  const context = await browser.newContext();
  const page = await context.newPage();
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text());
  });
  await page.goto(url, { timeout: START_MS_MAX });
  return { page, errors, [Symbol.asyncDispose]: () => context.close() };
}
