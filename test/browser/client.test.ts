import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import type { StowageClient, UploadState } from '../../src/sdk/index.ts';
import { sample } from '../acceptance/samples/index.ts';
import { JWT_SECRET, until } from '../acceptance/service.ts';
import { claimsFor, mintToken } from '../acceptance/tokens.ts';
import { isPart, LONG_BYTES, LONG_PARTS, longVideoHead, openStand, type Stand } from '../client/stand.ts';
import { type Chromium, NO_CHROMIUM, openChromium } from './chromium.ts';
import { type PageServer, servePages } from './page-server.ts';

/** What the page keeps for the test. */
interface PageGlobals {
  client: StowageClient;
  video: File;
  events: { sentBytes: number; totalBytes: number; phase: string }[];
  stop: AbortController;
  readonly localStorage: Storage;
  readonly document: { querySelector(selector: string): { readonly files: readonly File[] } };
}
declare const window: PageGlobals;
interface Storage {
  getItem(name: string): string | null;
  setItem(name: string, value: string): void;
}

const VIDEO = { assetType: 'generated_video', fields: { project_id: 'p-1' } };
const SENT_MS_MAX = 120_000;

/** A page that makes a client, and a large video by itself. */
const pageOf = (serviceUrl: string) => `<!doctype html><meta charset="utf-8"><title>Upload</title>
<input type="file" id="file">
<script type="module">
  import { createClient } from '/src/sdk/index.ts';
  const token = async () => new URLSearchParams(location.search).get('token');
  const retry = { attemptsMax: 4, delayMsMin: 10, delayMsMax: 50 };
  globalThis.client = createClient({ url: '${serviceUrl}', token, retry });
  const head = Uint8Array.from(atob('${longVideoHead().toString('base64')}'), (c) => c.charCodeAt(0));
  const rest = new Uint8Array(${LONG_BYTES - longVideoHead().length});
  globalThis.video = new File([head, rest], 'long.mp4', { type: 'video/mp4' });
  globalThis.events = [];
  globalThis.stop = new AbortController();
  document.body.dataset.ready = 'yes';
</script>`;

let stand: Stand;
let pages: PageServer;
let chromium: Chromium | null = null;

describe('the client in Chromium, on a page of another origin', () => {
  before(async () => {
    chromium = await openChromium();
    if (chromium === null) return;
    // Its address is known only when it listens, and the service must allow it by name.
    const content: Record<string, string> = {};
    pages = await servePages(content);
    stand = await openStand({ CORS_ORIGINS: pages.origin });
    content['/'] = pageOf(`http://127.0.0.1:${stand.proxy.port}`);
  });
  after(async () => {
    await chromium?.[Symbol.asyncDispose]();
    await stand?.[Symbol.asyncDispose]();
    await pages?.[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    if (chromium !== null) stand.proxy.fault = () => null;
  });

  /** Runs a test in a page of a user of its own. */
  const inPage = (title: string, run: (page: Page, errors: readonly string[]) => Promise<void>) =>
    test(title, async (context) => {
      if (chromium === null) {
        context.skip(NO_CHROMIUM);
        return;
      }
      const token = mintToken(claimsFor(title), JWT_SECRET);
      await using opened = await chromium.openPage(`${pages.origin}/?token=${token}`);
      opened.page.setDefaultTimeout(SENT_MS_MAX);
      await opened.page.waitForSelector('body[data-ready]', { state: 'attached' });
      await run(opened.page, opened.errors);
    });

  inPage('sends the file that a user chose, by form and straight to the store', async (page, errors) => {
    const file = sample('png', 4, '猫.png');
    const chosen = { name: file.filename, mimeType: file.mediaType, buffer: file.bytes };
    await page.setInputFiles('#file', chosen);
    for (const via of ['form', 'direct'] as const) {
      const asset = await page.evaluate(async (way) => {
        const [first] = window.document.querySelector('#file').files;
        if (first === undefined) throw new Error('No file is chosen.');
        return await window.client.upload(first, { assetType: 'image', via: way });
      }, via);
      const hash = createHash('sha256').update(file.bytes).digest('hex');
      assert.deepEqual(
        [asset.filename, asset.mime_type, asset.content_hash],
        [file.filename, 'image/png', hash],
      );
    }
    const listed = await page.evaluate(async () => {
      const names: string[] = [];
      for await (const { filename, asset_id: id } of window.client.list({ pageSize: 1 })) {
        const { body, sizeBytes } = await window.client.download(id, { firstByte: 1, lastByte: 3 });
        names.push(`${filename} ${await new Response(body).text()} ${sizeBytes}`);
        await window.client.delete(id);
      }
      return names;
    });
    assert.deepEqual(listed, [`${file.filename} PNG 3`, `${file.filename} PNG 3`]);
    assert.deepEqual(errors, []);
  });

  inPage('tells how much of a large file has left while it leaves', async (page, errors) => {
    // Slow enough that the browser, which reports 20 times a second, does so within a part.
    const devtools = await page.context().newCDPSession(page);
    const speed = { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 40_000_000 };
    await devtools.send('Network.emulateNetworkConditions', speed);
    const [asset, events] = await page.evaluate(async (options) => {
      const stored = await window.client.upload(window.video, {
        ...options,
        onProgress: (each) => window.events.push(each),
      });
      return [stored, window.events] as const;
    }, VIDEO);
    assert.equal(asset.size_bytes, LONG_BYTES);
    const sizes = new Set(events.map(({ sentBytes }) => sentBytes));
    // By fetch there would be one for each part.
    assert.ok(sizes.size > LONG_PARTS + 1, `${sizes.size} steps`);
    assert.deepEqual(events.at(-1), { sentBytes: LONG_BYTES, totalBytes: LONG_BYTES, phase: 'done' });
    assert.deepEqual(errors, []);
  });

  inPage('cancels, and nothing is left', async (page) => {
    const before = (await stand.service.storedFiles()).length;
    const code = await page.evaluate(async (options) => {
      const { stop } = window;
      const onState = ({ sentParts }: UploadState) => {
        if (sentParts.length === 2) stop.abort();
      };
      const sending = window.client.upload(window.video, {
        ...options,
        signal: stop.signal,
        onState,
      });
      return await sending.then(
        () => 'stored',
        (error: { code: string }) => error.code,
      );
    }, VIDEO);
    assert.equal(code, 'aborted');
    assert.deepEqual(await page.evaluate(() => window.client.usage()), { files: 0, bytes: 0 });
    const left = await until(
      async () => (await stand.service.storedFiles()).length,
      (count) => count <= before,
      30,
    );
    assert.equal(left, before);
  });

  inPage('goes on after the page was loaded anew, with the parts that are missing', async (page) => {
    let allowed = 3;
    // From then on the network takes what is sent and answers nothing.
    stand.proxy.fault = ({ url, method }) => {
      if (method !== 'PUT' || !isPart(url)) return null;
      allowed -= 1;
      return allowed >= 0 ? null : { hang: true };
    };
    await page.evaluate((options) => {
      const onState = (state: UploadState) => window.localStorage.setItem('upload', JSON.stringify(state));
      window.client.upload(window.video, { ...options, partsInFlight: 2, onState }).catch(() => {});
    }, VIDEO);
    const sentParts = () =>
      page.evaluate(() => {
        const state = JSON.parse(window.localStorage.getItem('upload') ?? '{}') as Partial<UploadState>;
        return state.sentParts?.length ?? 0;
      });
    assert.equal(await until(sentParts, (count) => count === 3, 60), 3);
    await page.reload();
    await page.waitForSelector('body[data-ready]', { state: 'attached' });
    stand.proxy.fault = () => null;
    const start = stand.proxy.seen.length;
    const [asset, first] = await page.evaluate(async () => {
      const kept = window.localStorage.getItem('upload') ?? '';
      const stored = await window.client.resume(kept, window.video, {
        onProgress: (each) => window.events.push(each),
      });
      return [stored, window.events[0]] as const;
    });
    assert.equal(asset.size_bytes, LONG_BYTES);
    assert.ok(first !== undefined && first.sentBytes > 0);
    const sent = stand.proxy.seen.slice(start).filter(({ method, url }) => method === 'PUT' && isPart(url));
    assert.equal(sent.length, LONG_PARTS - 3);
  });

  inPage('survives cut connections in the middle of parts', async (page) => {
    let cuts = 0;
    stand.proxy.fault = ({ url, method }) => {
      if (method !== 'PUT' || !isPart(url) || cuts === 3) return null;
      cuts += 1;
      return { cutRequestAfterBytes: 2_000_000 };
    };
    const size = await page.evaluate(
      async (options) => (await window.client.upload(window.video, options)).size_bytes,
      VIDEO,
    );
    assert.deepEqual([size, cuts], [LONG_BYTES, 3]);
  });

  inPage('hears why a file is refused', async (page) => {
    const error = await page.evaluate(async () => {
      const file = new File(['no picture'], 'a.png', { type: 'image/png' });
      return await window.client.upload(file, { assetType: 'image' }).then(
        () => null,
        ({ name, code, filename, status, requestId }) => ({ name, code, filename, status, requestId }),
      );
    });
    assert.ok(error !== null);
    assert.deepEqual(
      [error.name, error.code, error.filename, error.status],
      ['StowageClientError', 'file_type_mismatch', 'a.png', 400],
    );
    assert.match(String(error.requestId), /\S/);
  });
});
