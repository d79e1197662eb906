import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import { start } from '../../examples/task-attachments/main.ts';
import { sample } from '../acceptance/samples/index.ts';
import { until } from '../acceptance/service.ts';
import { type Chromium, NO_CHROMIUM, openChromium } from '../browser/chromium.ts';
import { type Ask, formOf, openStand, type Stand } from './stand.ts';

const WAIT_SECONDS_MAX = 60;
/** Above what goes up in one request: seven parts of 16 MiB at most. */
const LONG_BYTES = 101 * 1024 * 1024;

let chromium: Chromium | null = null;
before(async () => {
  chromium = await openChromium();
});
after(() => chromium?.[Symbol.asyncDispose]());

for (const backend of ['local', 's3'] as const) {
  describe(`task-attachments on ${backend}`, () => {
    let stand: Stand;
    let ana: Ask;
    before(async () => {
      stand = await openStand(start, { backend });
      ana = stand.as('ana');
    });
    after(() => stand?.[Symbol.asyncDispose]());

    const newTask = async (title: string): Promise<string> => {
      const { status, json } = await ana('POST', '/tasks', { title });
      assert.equal(status, 201);
      return `/tasks/${json.id}`;
    };
    const attachmentsOf = async (task: string, ask = ana) =>
      (await ask('GET', `${task}/attachments`)).json.attachments;

    test('takes files by form, gives them back by a link, and deletes them', async () => {
      const task = await newTask('by form');
      const [pdf, png] = [sample('pdf', 1, 'Plan für Ana.pdf'), sample('png', 2)];
      const { status, json } = await ana('POST', `${task}/attachments`, formOf([pdf, png]));
      assert.equal(status, 201);
      assert.deepEqual(
        json.attachments.map((each: { filename: string }) => each.filename),
        [pdf.filename, png.filename],
      );
      const listed = await attachmentsOf(task);
      const [first, second] = [pdf, png].map(({ filename }) =>
        listed.find((each: { filename: string }) => each.filename === filename),
      );
      assert.equal(first.preview_url, null);
      assert.equal((await fetch(second.preview_url)).headers.get('content-type'), 'image/png');

      const link = await ana('GET', `${task}/attachments/${first.id}/download`);
      const answer = await fetch(link.json.download_url);
      assert.deepEqual(Buffer.from(await answer.arrayBuffer()), pdf.bytes);
      assert.match(answer.headers.get('content-disposition') ?? '', /^attachment; .*Plan/);
      assert.ok(Date.parse(link.json.expires_at) > Date.now());

      assert.equal((await ana('DELETE', `${task}/attachments/${first.id}`)).status, 204);
      assert.equal((await ana('GET', `${task}/attachments/${first.id}/download`)).status, 404);
      assert.equal((await fetch(link.json.download_url)).status, 404);
      assert.equal((await attachmentsOf(task)).length, 1);
      assert.equal((await ana('DELETE', task)).status, 204);
      assert.equal((await ana('GET', `${task}/attachments`)).status, 404);
    });

    test('puts each file where its task’s files are', { skip: backend === 'local' }, async () => {
      const task = await newTask('keys');
      await ana('POST', `${task}/attachments`, formOf([sample('txt', 1, 'a b.txt')]));
      const [{ id }] = await attachmentsOf(task);
      const { json } = await ana('GET', `/api/assets/${id}`);
      assert.match(json.s3_key ?? json.key, new RegExp(`^${task.slice(1)}/[0-9a-f-]{36}_a_b\\.txt$`));
      assert.ok((await stand.stored()).includes(json.s3_key ?? json.key));
    });

    test('shows a task’s files to its team, and to nobody else', async () => {
      const task = await newTask('team');
      await ana('POST', `${task}/attachments`, formOf([sample('txt')]));
      const [{ id }] = await attachmentsOf(task, stand.as('ben'));
      const stranger = stand.as('ana', { tenant_id: 'globex' });
      for (const [method, path] of [
        ['GET', `${task}/attachments`],
        ['GET', `${task}/attachments/${id}/download`],
        ['DELETE', `${task}/attachments/${id}`],
        ['DELETE', task],
        ['POST', `${task}/attachments/uploads`],
      ] as const) {
        assert.equal((await stranger(method, path, method === 'POST' ? {} : undefined)).status, 404, path);
      }
      assert.equal((await fetch(new URL(`${task}/attachments`, stand.origin))).status, 401);
      assert.equal((await stand.as('ben')('DELETE', `${task}/attachments/${id}`)).status, 204);
    });

    test('refuses a disguised file, and what is no announcement', async () => {
      const task = await newTask('disguised');
      const disguised = { ...sample('zip'), filename: 'a.pdf', mediaType: 'application/pdf' };
      const { status, json } = await ana('POST', `${task}/attachments`, formOf([sample('txt'), disguised]));
      assert.deepEqual([status, json.code], [400, 'file_type_mismatch']);
      assert.deepEqual(await attachmentsOf(task), []);
      for (const body of [{}, { filename: 7, size_bytes: 3 }, { filename: 'a.txt', size_bytes: '3' }]) {
        const begun = await ana('POST', `${task}/attachments/uploads`, body);
        assert.deepEqual([begun.status, begun.json.code], [400, 'invalid_parameter']);
      }
      assert.equal((await ana('POST', '/tasks', {})).status, 400);
    });

    test('keeps nothing of an upload whose task is gone when it is complete', async () => {
      const task = await newTask('gone');
      const { bytes, filename, mediaType } = sample('txt');
      const announced = { filename, size_bytes: bytes.length, mime_type: mediaType, sha256: null };
      const { json: begun } = await ana('POST', `${task}/attachments/uploads`, announced);
      await send(begun, bytes);
      const other = await newTask('other');
      assert.equal((await ana('DELETE', task)).status, 204);
      const { status } = await ana('POST', `${other}/attachments/uploads/${begun.upload_id}/complete`);
      assert.equal(status, 404);
      assert.deepEqual(await attachmentsOf(other), []);
      const { json } = await ana('GET', '/api/assets?limit=200');
      assert.ok(!json.assets.some((each: { s3_key?: string }) => each.s3_key?.startsWith(task.slice(1))));
    });

    /** Runs a test on a page with a task of its own. */
    const onPage = (title: string, run: (page: Page, errors: readonly string[]) => Promise<void>) =>
      test(title, async (context) => {
        if (chromium === null) return context.skip(NO_CHROMIUM);
        await using opened = await chromium.openPage(stand.origin);
        const { page, errors } = opened;
        page.setDefaultTimeout(WAIT_SECONDS_MAX * 1000);
        await page.fill('input[name=title]', title);
        await page.click('button[type=submit]');
        await page.waitForSelector('input[type=file]');
        await run(page, errors);
      });
    /** Slow enough that something can happen meanwhile; null: no longer. */
    const limitSpeed = async (page: Page) => {
      const devtools = await page.context().newCDPSession(page);
      return async (bytesPerSecond: number | null) => {
        const uploadThroughput = bytesPerSecond ?? -1;
        const offline = bytesPerSecond === 0;
        const speed = { offline, latency: 0, downloadThroughput: -1, uploadThroughput };
        await devtools.send('Network.emulateNetworkConditions', speed);
      };
    };
    /** Chooses a file of so many letters in the page. */
    const chooseLong = (page: Page, filename: string, sizeBytes: number) =>
      page.evaluate(
        ([name, size]) => {
          const { document, DataTransfer, File, Event } = globalThis as unknown as PageGlobals;
          const chosen = new DataTransfer();
          chosen.items.add(new File([new Uint8Array(size).fill(97)], name, { type: 'text/plain' }));
          const input = document.querySelector('input[type=file]');
          input.files = chosen.files;
          input.dispatchEvent(new Event('change', { bubbles: true }));
        },
        [filename, sizeBytes] as const,
      );
    const sentOf = async (page: Page): Promise<number> => {
      const bar = page.locator('[data-upload] progress');
      return (await bar.count()) === 0 ? -1 : Number(await bar.getAttribute('value'));
    };

    onPage('a file goes straight to the store, and its picture is shown', async (page, errors) => {
      const png = sample('png', 5, '猫.png');
      const writes: string[] = [];
      page.on('request', (request) => {
        const { origin, pathname } = new URL(request.url());
        const isJson = request.headers()['content-type']?.startsWith('application/json') ?? false;
        if (['PUT', 'POST'].includes(request.method()) && !isJson && !pathname.endsWith('/complete'))
          writes.push(origin);
      });
      await page.setInputFiles('input[type=file]', {
        ...{ name: png.filename, mimeType: png.mediaType, buffer: png.bytes },
      });
      const image = page.locator(`[data-attachment="${png.filename}"] img`);
      await image.waitFor();
      const width = () =>
        image.evaluate((element) => (element as unknown as { naturalWidth: number }).naturalWidth);
      assert.ok((await until(width, (pixels) => pixels > 0, WAIT_SECONDS_MAX)) > 0, 'the picture is drawn');
      assert.deepEqual(
        writes.map((origin) => origin === stand.origin),
        [backend === 'local'],
        'the bytes go where the files are',
      );
      await page.click(`[data-attachment="${png.filename}"] button:has-text("Delete")`);
      await image.waitFor({ state: 'detached' });
      assert.deepEqual(errors, []);
    });

    onPage('tells why a disguised file is refused', async (page) => {
      const { bytes } = sample('zip');
      await page.setInputFiles('input[type=file]', {
        name: 'plan.pdf',
        mimeType: 'application/pdf',
        buffer: bytes,
      });
      const alert = await page.waitForSelector('[data-upload="plan.pdf"][data-status=refused] [role=alert]');
      assert.match((await alert.textContent()) ?? '', /plan\.pdf|zip/i);
      await page.click('button:has-text("Dismiss")');
      assert.equal(await page.locator('[data-attachment]').count(), 0);
    });

    test('a page that the bucket does not know can’t write to it', async (context) => {
      if (backend === 'local') return context.skip('Pages and files have one origin here.');
      if (chromium === null) return context.skip(NO_CHROMIUM);
      await using opened = await chromium.openPage(stand.origin.replace('127.0.0.1', 'localhost'));
      const { page } = opened;
      page.setDefaultTimeout(WAIT_SECONDS_MAX * 1000);
      await page.fill('input[name=title]', 'another origin');
      await page.click('button[type=submit]');
      const { filename: name, mediaType: mimeType, bytes: buffer } = sample('txt');
      await page.setInputFiles('input[type=file]', { name, mimeType, buffer });
      await page.waitForSelector('[data-upload][data-status=paused] [role=alert]');
      assert.ok(
        opened.errors.some((error) => error.includes('CORS policy')),
        opened.errors.join('\n'),
      );
    });

    onPage('shows how far an upload is, and cancels it', async (page) => {
      const before = (await stand.stored()).length;
      const speed = await limitSpeed(page);
      await speed(2_000_000);
      await chooseLong(page, 'cancelled.txt', 40_000_000);
      const sent = await until(
        () => sentOf(page),
        (bytes) => bytes > 1_000_000,
        WAIT_SECONDS_MAX,
      );
      assert.ok(sent > 1_000_000 && sent < 40_000_000, `${sent} bytes`);
      await page.click('[data-upload] button:has-text("Cancel")');
      await page.waitForSelector('[data-upload]', { state: 'detached' });
      await speed(null);
      assert.equal(await page.locator('[data-attachment]').count(), 0);
      const left = await until(stand.stored, (names) => names.length <= before, WAIT_SECONDS_MAX);
      assert.equal(left.length, before, 'what had arrived is removed');
    });

    onPage('goes on with a large file when the network is back, without what has arrived', async (page) => {
      const part = /[?&]part(?:Number)?=(\d+)/;
      const finished: string[] = [];
      page.on('requestfinished', (request) => {
        const number = part.exec(request.url())?.[1];
        if (request.method() === 'PUT' && number !== undefined) finished.push(number);
      });
      let begun = 0;
      await page.route(part, async (route) => {
        if (route.request().method() !== 'PUT') return await route.continue();
        begun += 1;
        if (begun <= 2) return await route.continue();
        // The network is gone once two parts have arrived.
        await until(
          async () => finished.length,
          (count) => count === 2,
          WAIT_SECONDS_MAX,
        );
        await route.abort('internetdisconnected');
      });
      await chooseLong(page, 'long.txt', LONG_BYTES);
      await page.waitForSelector('[data-upload][data-status=paused] [role=alert]');
      assert.equal(finished.length, 2);
      await page.context().setOffline(true);
      await page.unroute(part);
      await page.context().setOffline(false);
      await page.waitForSelector('[data-attachment="long.txt"]');
      assert.deepEqual(finished.toSorted(), ['1', '2', '3', '4', '5', '6', '7'], 'each part once');
    });
  });
}

/** What is used of a page's own. */
interface PageGlobals {
  readonly document: {
    querySelector(selector: string): { files: unknown; dispatchEvent(event: object): void };
  };
  readonly DataTransfer: new () => { readonly items: { add(file: File): void }; readonly files: unknown };
  readonly File: typeof File;
  readonly Event: typeof Event;
}

/** Sends the bytes of a direct upload as its instructions say. */
async function send(
  {
    method,
    url,
    headers,
    fields,
  }: { method: string; url: string; headers?: Record<string, string>; fields?: object },
  bytes: Buffer,
): Promise<void> {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields ?? {})) form.append(name, String(value));
  form.append('file', new Blob([new Uint8Array(bytes)]));
  const request =
    method === 'post'
      ? { method: 'POST', body: form }
      : { method: 'PUT', body: new Uint8Array(bytes), headers: headers ?? {} };
  const answer = await fetch(url, request);
  assert.ok(answer.ok, await answer.text());
}
