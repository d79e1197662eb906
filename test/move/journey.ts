import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { query, startPostgres } from '../acceptance/postgres.ts';
import { png } from '../acceptance/samples/images.ts';
import { freshDirectory, type Service, startService } from '../acceptance/service.ts';
import { startClouds } from './clouds.ts';
import { type KnownFile, PUBLIC_URL, sha256, type Tally, Traffic } from './traffic.ts';

const COMMAND = path.resolve(import.meta.dirname, '../../bin/stowage.js');
/** Longest wait for one move, in milliseconds. */
const MOVE_MS_MAX = 600_000;

type Backend = 'local' | 's3' | 'azure';

/** One move on the way. */
export interface Leg {
  readonly from: Backend;
  readonly to: Backend;
  /** The move is killed when this share of the files has moved, and started again; null: it runs to its end. */
  readonly killAt: number | null;
}

export interface JourneyOptions {
  readonly files: number;
  readonly sizeOf: (index: number) => number;
  readonly legs: readonly Leg[];
  readonly readers: number;
  /** Between two requests of each user, in milliseconds. */
  readonly thinkMs: number;
  /** Rate of a move that is to be killed: slow enough to be caught under way. */
  readonly killedRate: string;
  readonly tell: (line: string) => void;
}

/**
 * Uploads files, and moves all of them along the legs while users read and upload. Before each leg a second node starts
 * whose new files go to where the move goes, everybody turns to it, and the first one ends. At the end every file is read
 * and compared, the copies are removed, and every file is read and compared once more.
 */
export async function travel(options: JourneyOptions): Promise<Tally> {
  const { tell, legs } = options;
  await using clouds = await startClouds();
  await using database = await startPostgres();
  const files = freshDirectory();
  const shared = {
    ...clouds.settings,
    ...{ DATABASE_URL: database.url, LOCAL_STORAGE_PATH: path.join(files, 'objects'), PUBLIC_URL },
  };
  let node = await startService({ ...shared, STORAGE_BACKEND: 'local' });
  const traffic = new Traffic(node);
  try {
    tell(`S3 is the ${clouds.s3Name}, Azure is Azurite.`);
    await told(tell, `uploaded ${options.files} files`, () => traffic.fill(options.files, options.sizeOf));
    traffic.start(options);
    for (const leg of legs) {
      const inFlight = await beginDirect(node);
      const next = await startService({ ...shared, STORAGE_BACKEND: leg.to });
      await traffic.switchTo(next);
      await node.stop();
      await node[Symbol.asyncDispose]();
      node = next;
      traffic.files.push(await inFlight(node));
      await runLeg(leg, { node, database, traffic, options });
      if (leg.to === 's3') await inspectS3(clouds, traffic.files);
      if (leg.from === 'local') {
        const code = await moveToEnd(node, leg, ['--delete-source', '--min-age', '0s']);
        assert.equal(code.code, 0, code.output);
        tell(`the copies on ${leg.from} are removed; ${await traffic.readOwnUrls()} URLs of it still work`);
      }
    }
    await traffic.stop();
    await told(tell, `compared ${traffic.files.length} files`, () => traffic.verifyAll());
    for (const from of ['s3', 'azure'] as const) {
      const gone = await moveToEnd(node, { from, to: 'local' }, ['--delete-source', '--min-age', '0s']);
      assert.equal(gone.code, 0, gone.output);
    }
    await told(tell, 'compared them again, without the copies', () => traffic.verifyAll());
    const left = (await clouds.s3.keys()).filter((key) => !key.startsWith('stowage/'));
    assert.deepEqual(left, [], 'the bucket is empty');
    return traffic.tally;
  } finally {
    await traffic.stop();
    await node[Symbol.asyncDispose]();
    rmSync(files, { recursive: true, force: true });
  }
}

interface Ground {
  readonly node: Service;
  readonly database: { readonly adminUrl: string };
  readonly traffic: Traffic;
  readonly options: JourneyOptions;
}

async function runLeg(leg: Leg, { node, database, traffic, options }: Ground): Promise<void> {
  const { from, to, killAt } = leg;
  const startMs = performance.now();
  if (killAt !== null) {
    const waiting = await countOn(database, from);
    const killed = startMove(node, leg, ['--rate', options.killedRate, '--concurrency', '2']);
    const enough = Math.ceil(waiting * (1 - killAt));
    while ((await countOn(database, from)) > enough && killed.child.exitCode === null) await pause(20);
    assert.equal(killed.child.exitCode, null, 'the move is still at it');
    killed.child.kill('SIGKILL');
    await killed.ended;
    options.tell(`${from} → ${to}: killed with ${await countOn(database, from)} of ${waiting} files to go`);
  }
  const { code, output, report } = await moveToEnd(node, leg, []);
  assert.equal(code, 0, output);
  assert.equal(await countOn(database, from), 0);
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  options.tell(
    `${from} → ${to}: ${report.moved.files} files moved by the last run, ${report.reused} of them found there; ` +
      `${seconds} s in all, ${traffic.tally.reads} reads and ${traffic.tally.uploads} uploads so far`,
  );
}

interface MoveResult {
  readonly code: number | null;
  readonly output: string;
  readonly report: { readonly moved: { readonly files: number }; readonly reused: number };
}

async function moveToEnd(
  node: Service,
  leg: Pick<Leg, 'from' | 'to'>,
  flags: readonly string[],
): Promise<MoveResult> {
  const move = startMove(node, leg, flags);
  const code = await move.ended;
  const [out, output] = [move.stdout(), move.stdout() + move.stderr()];
  const report = out.startsWith('{') ? JSON.parse(out) : { moved: { files: 0 }, reused: 0 };
  return { code, output, report };
}

function startMove(
  node: Service,
  { from, to }: Pick<Leg, 'from' | 'to'>,
  flags: readonly string[],
): { child: ChildProcess; ended: Promise<number | null>; stdout: () => string; stderr: () => string } {
  const child = spawn(
    process.execPath,
    [COMMAND, 'move', '--from', from, '--to', to, '--apply', '--json', ...flags],
    { cwd: node.directory, env: node.environment, stdio: ['ignore', 'pipe', 'pipe'], timeout: MOVE_MS_MAX },
  );
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  return { child, ended, stdout: () => stdout, stderr: () => stderr };
}

async function countOn(database: { readonly adminUrl: string }, backend: Backend): Promise<number> {
  const [row] = await query(
    database.adminUrl,
    `select count(*)::int as files from assets where backend = '${backend}' and state = 'stored'`,
  );
  return Number(row?.files);
}

/** A direct upload that begins on one node and ends on the next, whose new files go elsewhere. */
async function beginDirect(node: Service): Promise<(next: Service) => Promise<KnownFile>> {
  const bytes = png({ seed: Date.now() % 100_000, width: 64, height: 40 });
  const announced = {
    ...{ filename: 'in-flight.png', asset_type: 'image', mime_type: 'image/png' },
    ...{ size_bytes: bytes.length, sha256: sha256(bytes) },
  };
  const begun = await node.as('ada').send('POST', '/api/uploads', {
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(announced),
  });
  assert.equal(begun.status, 201, begun.text);
  const told = begun.json<{
    upload_id: string;
    method: string;
    url: string;
    headers?: Record<string, string>;
    fields?: Record<string, string>;
  }>();
  return async (next) => {
    const url = told.url.replace(PUBLIC_URL, next.origin);
    const sent =
      told.method === 'put'
        ? await fetch(url, { method: 'PUT', headers: told.headers ?? {}, body: new Uint8Array(bytes) })
        : await fetch(url, { method: 'POST', body: formOf(told.fields ?? {}, bytes) });
    assert.ok(sent.ok, `${sent.status} ${await sent.text()}`);
    const done = await next.as('ada').send('POST', `/api/uploads/${told.upload_id}/complete`);
    assert.equal(done.status, 200, done.text);
    const asset = done.json<{ asset_id: string; key: string }>();
    return { assetId: asset.asset_id, key: asset.key, sha256: sha256(bytes), sizeBytes: bytes.length };
  };
}

function formOf(fields: Readonly<Record<string, string>>, bytes: Buffer): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append('file', new Blob([new Uint8Array(bytes)]));
  return form;
}

/** What lies in the bucket, as a client of AWS's own sees it: bytes, type and facts of a few files. */
async function inspectS3(
  clouds: Awaited<ReturnType<typeof startClouds>>,
  files: readonly KnownFile[],
): Promise<void> {
  for (const file of files.slice(0, 5)) {
    const found = await clouds.s3.read(file.key);
    assert.equal(sha256(found.bytes), file.sha256);
    assert.equal(found.contentType, 'image/png');
    const facts = Object.entries(found.metadata).map(([name, value]) => [name.replaceAll('-', '_'), value]);
    const { content_hash: hash, ...others } = Object.fromEntries(facts);
    assert.equal(hash, file.sha256);
    assert.deepEqual(Object.keys(others).sort(), ['upload_timestamp', 'uploaded_by']);
  }
}

async function told(tell: JourneyOptions['tell'], what: string, act: () => Promise<void>): Promise<void> {
  const startMs = performance.now();
  await act();
  tell(`${what} in ${((performance.now() - startMs) / 1000).toFixed(1)} s`);
}
