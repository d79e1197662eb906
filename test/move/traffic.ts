import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Answer } from '../acceptance/http.ts';
import { png } from '../acceptance/samples/images.ts';
import type { Sample } from '../acceptance/samples/index.ts';
import type { Service } from '../acceptance/service.ts';
import type { Asset, Uploads } from '../acceptance/wire.ts';

/** The address in all URLs of our own: a proxy's, which leads to the node of the moment. */
export const PUBLIC_URL = 'http://files.test';

/** A file that must be readable at any moment. */
export interface KnownFile {
  readonly assetId: string;
  readonly sha256: string;
  readonly sizeBytes: number;
  readonly key: string;
}

/** What was done, and what went wrong. */
export interface Tally {
  reads: number;
  urlReads: number;
  uploads: number;
  deletes: number;
  readonly faults: string[];
}

const USER = 'ada';
const FAULTS_TOLD_MAX = 20;

/** Users who read and upload without a pause, while files move. */
export class Traffic {
  readonly files: KnownFile[] = [];
  readonly tally: Tally = { reads: 0, urlReads: 0, uploads: 0, deletes: 0, faults: [] };
  /** Signed URLs as they were issued, each with its file. */
  readonly #urls: { readonly url: string; readonly file: KnownFile }[] = [];
  #node: Service;
  #seed = 1;
  #stopped = false;
  readonly #underWay = new Set<Promise<void>>();
  #running: Promise<void>[] = [];

  constructor(node: Service) {
    this.#node = node;
  }

  get node(): Service {
    return this.#node;
  }

  /** From now on everybody talks to another node, as behind a proxy. Fulfilled when nobody waits for the one before. */
  async switchTo(node: Service): Promise<void> {
    this.#node = node;
    await Promise.allSettled(this.#underWay);
  }

  /** Uploads files, ten at a time. @param sizes bytes of each, by its number. */
  async fill(count: number, sizeOf: (index: number) => number): Promise<void> {
    for (let start = 0; start < count; start += 10) {
      const numbers = Array.from({ length: Math.min(10, count - start) }, (_, index) => start + index);
      await this.#upload(numbers.map((index) => this.#picture(sizeOf(index))));
    }
  }

  /** @param users.thinkMs between two requests of each, in milliseconds. */
  start({ readers, thinkMs }: { readonly readers: number; readonly thinkMs: number }): void {
    this.#running = [
      ...Array.from({ length: readers }, (_, index) => this.#repeat(thinkMs, () => this.#readOne(index))),
      this.#repeat(10 * thinkMs, () => this.#upload([this.#picture(2_000)])),
      this.#repeat(10 * thinkMs, () => this.#uploadAndDelete()),
    ];
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#running);
  }

  /** Reads every file and compares it with what was sent. */
  async verifyAll(): Promise<void> {
    const waiting = this.files.values();
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        for (const file of waiting) {
          const answer = await this.#node.as(USER).get(`/api/assets/${file.assetId}/download`);
          assert.equal(answer.status, 200, answer.text);
          assert.equal(sha256(answer.body), file.sha256, file.key);
        }
      }),
    );
  }

  /** Reads by every URL of our own that was issued so far, wherever its file is now. @returns how many. */
  async readOwnUrls(): Promise<number> {
    const own = this.#urls.filter(({ url }) => url.startsWith(PUBLIC_URL));
    for (const { url, file } of own) {
      const answer = await this.#byUrl(url);
      assert.equal(answer.status, 200, `${answer.text} ${url}`);
      assert.equal(sha256(answer.body), file.sha256, file.key);
    }
    return own.length;
  }

  async #repeat(thinkMs: number, act: () => Promise<void>): Promise<void> {
    while (!this.#stopped) {
      const acting = act();
      this.#underWay.add(acting);
      try {
        await acting;
      } catch (error) {
        if (this.tally.faults.length < FAULTS_TOLD_MAX) this.tally.faults.push(String(error));
      } finally {
        this.#underWay.delete(acting);
      }
      await pause(thinkMs);
    }
  }

  async #readOne(reader: number): Promise<void> {
    const turn = this.tally.reads + reader;
    const file = this.files[(turn * 7919) % this.files.length];
    if (file === undefined) return;
    const node = this.#node.as(USER);
    if (turn % 3 === 0) {
      const issued = this.#urls[(turn * 104_729) % this.#urls.length];
      if (issued !== undefined) this.#expect(await this.#byUrl(issued.url), 200, issued.file);
      this.tally.urlReads += 1;
    } else if (turn % 3 === 1) {
      this.#expect(await node.get(`/api/assets/${file.assetId}/download`), 200, file);
    } else {
      const record = await node.get(`/api/assets/${file.assetId}/presigned?expiration_hours=168`);
      assert.equal(record.status, 200, record.text);
      const { presigned_url: url } = record.json<{ presigned_url: string }>();
      this.#expect(await this.#byUrl(url), 200, file);
      if (this.#urls.length < 2_000) this.#urls.push({ url, file });
    }
    this.tally.reads += 1;
  }

  #byUrl(url: string): Promise<Answer> {
    return this.#node.send('GET', url.replace(PUBLIC_URL, this.#node.origin));
  }

  #expect(answer: Answer, status: number, file: KnownFile): void {
    assert.equal(answer.status, status, `${file.key}: ${answer.text.slice(0, 300)}`);
    assert.equal(sha256(answer.body), file.sha256, file.key);
  }

  async #uploadAndDelete(): Promise<void> {
    const answer = await this.#node.as(USER).upload('image', [this.#picture(3_000)]);
    assert.equal(answer.status, 200, answer.text);
    const [asset] = answer.json<Uploads>().uploads;
    assert.ok(asset);
    await pause(200);
    const gone = await this.#node.as(USER).send('DELETE', `/api/assets/${asset.asset_id}`);
    assert.equal(gone.status, 204, gone.text);
    this.tally.deletes += 1;
  }

  async #upload(files: readonly Sample[]): Promise<void> {
    const answer = await this.#node.as(USER).upload('image', files);
    assert.equal(answer.status, 200, answer.text);
    const { uploads } = answer.json<Uploads>();
    for (const [index, asset] of uploads.entries()) {
      const bytes = files[index]?.bytes ?? Buffer.alloc(0);
      const file = knownFile(asset, bytes);
      this.files.push(file);
      if (this.#urls.length < 2_000) this.#urls.push({ url: asset.presigned_url, file });
    }
    this.tally.uploads += uploads.length;
  }

  /** A picture of about so many bytes, unlike all others. */
  #picture(sizeBytes: number): Sample {
    this.#seed += 1;
    const bytes = png({ seed: this.#seed, width: 64, height: Math.max(1, Math.round(sizeBytes / 192)) });
    return { filename: `picture-${this.#seed}.png`, mediaType: 'image/png', bytes };
  }
}

function knownFile(asset: Asset, bytes: Buffer): KnownFile {
  assert.equal(asset.content_hash, sha256(bytes));
  return {
    assetId: asset.asset_id,
    sha256: sha256(bytes),
    sizeBytes: bytes.byteLength,
    key: asset.key,
  };
}

export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
