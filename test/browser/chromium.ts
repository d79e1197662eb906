import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';

/** Where distributions put Chromium; `CHROMIUM_PATH` names the one to use instead. */
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

/** What a test says that is skipped for the want of a browser. */
export const NO_CHROMIUM = 'Chromium is not installed: nothing was tried in a real browser.';

/**
 * Starts Chromium. Without one it says so and the caller skips its tests with {@link NO_CHROMIUM}; when `TEST_REQUIRE`
 * names `chromium`, that is a failure.
 *
 * @returns null when there is none.
 */
export async function openChromium(): Promise<Chromium | null> {
  const { CHROMIUM_PATH: named, TEST_REQUIRE: required = '' } = process.env;
  const executablePath = (named === undefined ? PLACES : [named]).find((place) => existsSync(place));
  if (executablePath === undefined) {
    if (required.split(/[ ,]+/).includes('chromium')) throw new Error(NO_CHROMIUM);
    console.log(`# ${NO_CHROMIUM}`);
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
