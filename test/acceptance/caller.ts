import assert from 'node:assert/strict';
import { type Answer, type FormPart, form, type RequestOptions } from './http.ts';
import type { Sample } from './samples/index.ts';
import type { Service } from './service.ts';
import type { Asset, AssetPage, LogEntry, LogPage, Uploads } from './wire.ts';

/** Fields that the keys of an asset type need. */
export const KEY_FIELDS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  generated_video: { project_id: 'project-7' },
  lora_training: { brand_id: 'brand-9' },
  task_attachment: { task_id: 'task-42' },
};

/** A user of the service: requests with a token. */
export interface Caller {
  readonly userId: string;
  readonly token: string;
  send(method: string, target: string, options?: RequestOptions): Promise<Answer>;
  get(target: string, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  /** Sends files as a form, the fields first. */
  upload(
    assetType: string,
    files: readonly Sample[],
    fields?: Readonly<Record<string, string>>,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Answer>;
  /** Sends a form of exactly these parts. */
  post(
    parts: readonly FormPart[],
    query?: string,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Answer>;
  /** Uploads one file that must be accepted. */
  store(assetType: string, file: Sample): Promise<Asset>;
  /** The first page of own assets, as many as a page can hold. */
  assets(): Promise<readonly Asset[]>;
  /** Entries of an asset's log, newest first or oldest first as they come. */
  log(assetId: string): Promise<readonly LogEntry[]>;
  /** Files and bytes as the service counts them. */
  usage(): Promise<{ files: number; bytes: number }>;
}

/** Makes a caller. */
export function callerFor(service: Service, userId: string, token: string): Caller {
  const caller: Caller = {
    userId,
    token,
    send: (method, target, options = {}) =>
      service.send(method, target, {
        ...options,
        headers: { authorization: `Bearer ${token}`, ...options.headers },
      }),
    get: (target, headers = {}) => caller.send('GET', target, { headers }),
    upload: (assetType, files, fields = {}, headers = {}) =>
      caller.post(
        [
          ...fieldParts({ asset_type: assetType, ...KEY_FIELDS[assetType], ...fields }),
          ...files.map(filePart),
        ],
        '',
        headers,
      ),
    post(parts, query = '', headers = {}) {
      const made = form(parts);
      return caller.send('POST', `/api/upload${query}`, {
        headers: { ...made.headers, ...headers },
        body: made.body,
      });
    },
    async store(assetType, file) {
      return onlyUpload(await caller.upload(assetType, [file]));
    },
    async assets() {
      const answer = await caller.get('/api/assets?limit=200');
      assert.equal(answer.status, 200, answer.text);
      return answer.json<AssetPage>().assets;
    },
    async log(assetId) {
      const answer = await caller.get(`/api/assets/${assetId}/access-log`);
      assert.equal(answer.status, 200, answer.text);
      return answer.json<LogPage>().entries;
    },
    async usage() {
      const answer = await caller.get('/api/usage');
      assert.equal(answer.status, 200, answer.text);
      return usageOf(answer.json<Record<string, unknown>>());
    },
  };
  return caller;
}

/** Text fields of a form. */
export function fieldParts(fields: Readonly<Record<string, string>>): readonly FormPart[] {
  return Object.entries(fields).map(([name, body]) => ({ name, body }));
}

/** A file of a form, under the field name `files`. */
export function filePart(file: Sample): FormPart {
  return { name: 'files', filename: file.filename, mediaType: file.mediaType, body: file.bytes };
}

/** The one asset of an upload that must have been accepted. */
export function onlyUpload(answer: Answer): Asset {
  assert.equal(answer.status, 200, answer.text);
  const { uploads } = answer.json<Uploads>();
  const [asset] = uploads;
  assert.ok(asset !== undefined && uploads.length === 1, answer.text);
  return asset;
}

/** The design fixes what usage tells (files and bytes), not the names of the two numbers. */
function usageOf(usage: Readonly<Record<string, unknown>>): { files: number; bytes: number } {
  const numberNamed = (pattern: RegExp): number => {
    const found = Object.entries(usage).find(
      ([name, value]) => pattern.test(name) && typeof value === 'number',
    );
    assert.ok(found !== undefined, `no number ${pattern} in ${JSON.stringify(usage)}`);
    return Number(found[1]);
  };
  return { files: numberNamed(/file|asset/), bytes: numberNamed(/byte/) };
}
