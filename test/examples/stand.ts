import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExampleOptions, RunningExample } from '../../examples/shared/run.ts';
import { openTestDatabase } from '../../src/catalog/testing.ts';
import { JWT_SECRET, SIGNING_SECRET } from '../acceptance/service.ts';
import { openS3 } from '../acceptance/store.ts';
import { type Claims, claimsFor, mintToken } from '../acceptance/tokens.ts';

/** An example that runs on a database and a store of its own. */
export interface Stand extends AsyncDisposable {
  readonly origin: string;
  /** Ends it and starts it again on the same data, at the same address. */
  restart(): Promise<void>;
  /** Names of what uploads have left in the store. */
  stored(): Promise<readonly string[]>;
  /** Sends a request as a user: JSON, or a form. */
  as(userId: string, claims?: Claims): Ask;
}

export type Ask = (method: string, path: string, body?: unknown) => Promise<Reply>;

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests read answers as they come.
  readonly json: any;
}

/** Starts an example on local disk, or on S3 with what a bucket needs for browsers. */
export async function openStand(
  start: (options: ExampleOptions) => Promise<RunningExample>,
  {
    backend = 'local',
    env = {},
  }: { readonly backend?: 'local' | 's3'; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<Stand> {
  const directory = mkdtempSync(join(tmpdir(), 'stowage-example-'));
  chmodSync(directory, 0o755);
  const database = await openTestDatabase();
  const store = backend === 's3' ? await openS3(process.env.TEST_CEPH_ENDPOINT) : null;
  const { host, port, user, database: name } = database.app;
  const settings = {
    DATABASE_URL: `postgres://${user}@/${name}?host=${encodeURIComponent(host ?? '')}&port=${port}`,
    ...{ JWT_SECRET, SIGNING_SECRET, UPLOADS_PER_HOUR: '10000' },
    ...store?.settings,
    ...env,
  };
  let running = await start({ cwd: directory, port: 0, env: settings });
  const { origin } = running;
  if (store !== null) await allowPages(store.settings, origin);
  return {
    origin,
    async restart() {
      await running.close();
      running = await start({ cwd: directory, port: Number(new URL(origin).port), env: settings });
    },
    stored: async () => (store === null ? [] : await store.objects()),
    as(userId, claims = {}) {
      const authorization = `Bearer ${mintToken(claimsFor(userId, claims), JWT_SECRET)}`;
      return (method, path, body) => ask(new URL(path, origin), { method, body, authorization });
    },
    async [Symbol.asyncDispose]() {
      await running.close();
      await store?.[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Somebody with a session: the cookie goes along with every request. */
export interface Visitor {
  readonly token: string;
  fetch(path: string, init?: RequestInit): Promise<Response>;
}

/** Signs in as the examples' pages do. */
export async function signIn({ origin }: Stand, name: string): Promise<Visitor> {
  const answer = await fetch(`${origin}/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name }),
  });
  const cookie = answer.headers.get('set-cookie')?.split(';')[0] ?? '';
  const { token } = (await answer.json()) as { token: string };
  return {
    token,
    fetch: (path, init = {}) =>
      fetch(new URL(path, origin), { ...init, headers: { ...init.headers, cookie } }),
  };
}

/** A form with files. */
export function formOf(
  files: readonly { readonly filename: string; readonly mediaType: string; readonly bytes: Uint8Array }[],
  fields: Readonly<Record<string, string>> = {},
): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  for (const { filename, mediaType, bytes } of files)
    form.append('files', new File([new Uint8Array(bytes)], filename, { type: mediaType }));
  return form;
}

async function ask(
  url: URL,
  { method, body, authorization }: { method: string; body: unknown; authorization: string },
): Promise<Reply> {
  const isJson = body !== undefined && !(body instanceof FormData);
  const response = await fetch(url, {
    method,
    headers: { authorization, ...(isJson && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: body instanceof FormData ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const isParsed = response.headers.get('content-type')?.includes('json') ?? false;
  return {
    ...{ status: response.status, headers: response.headers, text },
    json: isParsed ? JSON.parse(text) : undefined,
  };
}

/** Allows the pages of an origin to write to the bucket, by the very rule that the page about S3 shows. */
async function allowPages(settings: Readonly<Record<string, string>>, origin: string): Promise<void> {
  const { PutBucketCorsCommand, S3Client } = await import('@aws-sdk/client-s3');
  const manual = readFileSync(join(import.meta.dirname, '../../docs/providers/s3.md'), 'utf8');
  const rule = /```json\n(\{\s*"CORSRules".*?)```/s.exec(manual)?.[1] ?? '';
  const client = new S3Client({
    ...{ endpoint: settings.S3_ENDPOINT ?? '', region: 'us-east-1', forcePathStyle: true },
    credentials: {
      accessKeyId: settings.S3_ACCESS_KEY ?? '',
      secretAccessKey: settings.S3_SECRET_KEY ?? '',
    },
  });
  await client.send(
    new PutBucketCorsCommand({
      Bucket: settings.S3_BUCKET_NAME,
      CORSConfiguration: JSON.parse(rule.replace('https://app.example.com', origin)),
    }),
  );
  client.destroy();
}
