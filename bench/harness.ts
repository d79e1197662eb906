import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import {
  closeSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** A server under test, in a process of its own. */
export interface Contender {
  readonly name: string;
  readonly origin: string;
  readonly pid: number;
  stop(): Promise<void>;
}

export const JWT_SECRET = 'bench-secret-bench-secret-bench-secret-0';
const ROOT = join(import.meta.dirname, '..');

/** A token for the bench's own user. */
export function token(userId = 'bench', role = 'user'): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const body = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ sub: userId, role, exp: 4_000_000_000 })}`;
  return `${body}.${createHmac('sha256', JWT_SECRET).update(body).digest('base64url')}`;
}

const scratches: string[] = [];

/**
 * A fresh directory below `.bench` (or BENCH_DIR). All are removed when the bench ends, not before: ext4 looks at every
 * inode freed within the last minutes before it makes a new one nearby, so a disk is slow after a large removal. For
 * the same reason it is not the system's directory for temporary files, where tests have just removed thousands.
 */
export function scratch(): string {
  if (scratches.length === 0) {
    process.once('exit', () => {
      for (const path of scratches.flatMap((scratch) => [...distantClusters(scratch), scratch]))
        rmSync(path, { recursive: true, force: true, maxRetries: 5 });
    });
  }
  const parent = process.env.BENCH_DIR ?? join(ROOT, '.bench');
  mkdirSync(parent, { recursive: true });
  const path = mkdtempSync(join(parent, 'run-'));
  scratches.push(path);
  return path;
}

/** Where the databases of a scratch directory are that is closed to them: there they would stay. */
function distantClusters(scratch: string): string[] {
  return globSync('*/database/location.json', { cwd: scratch }).map(
    (record) => JSON.parse(readFileSync(join(scratch, record), 'utf8')).directory,
  );
}

/** What making a file may take before a disk counts as busy with its past, in milliseconds, and how long that is waited for. */
const CREATE_MS_MAX = 0.1;
const SETTLE_MS_MAX = 6 * 60_000;

/**
 * Waits until the file system makes files quickly. ext4 does not reuse an inode within five minutes of its removal, and
 * looks at every such inode before it finds another: after a run of the tests a new file costs up to a millisecond,
 * and a bench would measure that search.
 */
export async function settleDisk(): Promise<void> {
  const directory = scratch();
  const startedMs = performance.now();
  for (let round = 0; ; round += 1) {
    const costs = Array.from({ length: 200 }, (_, number) => {
      const before = performance.now();
      closeSync(openSync(join(directory, `${round}-${number}`), 'wx'));
      return performance.now() - before;
    });
    const cost = median(costs);
    if (cost <= CREATE_MS_MAX || performance.now() - startedMs > SETTLE_MS_MAX) return;
    if (round === 0)
      console.log(
        `(waiting: a new file costs ${cost.toFixed(2)} ms, as where many were removed a moment ago)`,
      );
    await new Promise((resolve) => setTimeout(resolve, 10_000));
  }
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Starts `stowage serve` on a directory and waits until it is healthy. */
export async function startStowage(
  dataDir: string,
  env: Record<string, string> = {},
): Promise<Contender & { readyMs: number }> {
  const port = await freePort();
  const started = performance.now();
  const child = spawn(process.execPath, ['bin/stowage.js', 'serve'], {
    cwd: ROOT,
    stdio: ['ignore', process.env.BENCH_VERBOSE ? 'inherit' : 'ignore', 'inherit'],
    env: {
      ...process.env,
      PORT: String(port),
      DATA_DIR: dataDir,
      JWT_SECRET,
      SIGNING_SECRET: JWT_SECRET,
      UPLOADS_PER_HOUR: '1000000',
      LOG_LEVEL: 'error',
      NODE_ENV: 'development',
      ...env,
    },
  });
  const origin = `http://127.0.0.1:${port}`;
  await waitHealthy(origin, child);
  return {
    name: 'stowage',
    origin,
    pid: child.pid ?? 0,
    readyMs: performance.now() - started,
    stop: () => stopChild(child),
  };
}

async function waitHealthy(origin: string, child: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < 3000; attempt++) {
    if (child.exitCode !== null) throw new Error(`stowage serve ended with ${child.exitCode}.`);
    const health = await fetch(`${origin}/api/health`).then(
      (response) => response.json() as Promise<{ status?: string }>,
      () => ({ status: undefined }),
    );
    if (health.status === 'ok') return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error('stowage serve did not become healthy.');
}

/** Starts one of `bench/baselines`. */
export async function startBaseline(name: string, file: string, args: readonly string[]): Promise<Contender> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'baselines', file), ...args], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const port = await new Promise<number>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`Baseline ${name} ended with ${code}.`)));
    child.stdout.on('data', (data: Buffer) => {
      const match = /port (\d+)/.exec(data.toString());
      if (match !== null) resolve(Number(match[1]));
    });
  });
  return { name, origin: `http://127.0.0.1:${port}`, pid: child.pid ?? 0, stop: () => stopChild(child) };
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await gone;
}

/** Resident memory of a process in bytes: now, and its peak since the last reset. */
export function memoryOf(pid: number): { now: number; peak: number } {
  const status = existsSync(`/proc/${pid}/status`) ? readFileSync(`/proc/${pid}/status`, 'utf8') : '';
  const read = (field: string): number =>
    Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) * 1024;
  return { now: read('VmRSS'), peak: read('VmHWM') };
}

/** The resident memory of a process before work and at its highest meanwhile, in bytes, read every 20 ms. */
export async function memoryDuring(
  pid: number,
  work: () => Promise<unknown>,
): Promise<{ before: number; highest: number }> {
  const before = memoryOf(pid).now;
  let highest = before;
  const timer = setInterval(() => {
    highest = Math.max(highest, memoryOf(pid).now);
  }, 20);
  await work().finally(() => clearInterval(timer));
  return { before, highest };
}

/** How many times a second work is done when it is done `count` times, `atOnce` at a time. */
export async function perSecond(
  count: number,
  atOnce: number,
  work: (number: number) => Promise<void>,
): Promise<number> {
  let next = 0;
  const started = performance.now();
  const worker = async (): Promise<void> => {
    while (next < count) {
      next += 1;
      await work(next);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return (count * 1000) / (performance.now() - started);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

/** One question's answer: a figure per contender and round, and the ratios that the targets name. */
export interface Answer {
  readonly question: string;
  readonly unit: string;
  readonly figures: Readonly<Record<string, readonly number[]>>;
  readonly targets: readonly Target[];
}

/** A bound that one figure, or the ratio of two in the same round, must keep. */
export interface Target {
  readonly title: string;
  readonly values: readonly number[];
  readonly atLeast?: number;
  readonly atMost?: number;
}

/** The ratio of two contenders, round by round. */
export function ratios(
  figures: Readonly<Record<string, readonly number[]>>,
  over: string,
  under: string,
): number[] {
  return (figures[over] ?? []).map((value, round) => value / (figures[under]?.[round] ?? Number.NaN));
}

/**
 * Measures the contenders in turn, round after round, so that the machine's drift hits all alike. A round before them
 * warms up and does not count. Before each turn all that was written goes to disk: what one contender leaves in the
 * system's caches would else be written while the next one, who may wait for the disk, is measured.
 */
export async function interleave(
  contenders: readonly Contender[],
  rounds: number,
  measure: (contender: Contender) => Promise<number>,
  warmUp: (contender: Contender) => Promise<unknown> = measure,
): Promise<Record<string, number[]>> {
  const figures: Record<string, number[]> = Object.fromEntries(contenders.map(({ name }) => [name, []]));
  for (const contender of contenders) await warmUp(contender);
  for (let round = 0; round < rounds; round++) {
    for (const contender of contenders) {
      await promisify(execFile)('sync');
      figures[contender.name]?.push(await measure(contender));
    }
  }
  return figures;
}

/** Measures contenders of this process in turn, round after round; the first round warms up and does not count. */
export async function inTurn(
  rounds: number,
  contenders: Readonly<Record<string, () => Promise<number>>>,
): Promise<Record<string, number[]>> {
  const figures: Record<string, number[]> = {};
  for (let round = -1; round < rounds; round += 1) {
    for (const [name, measure] of Object.entries(contenders)) {
      const figure = await measure();
      if (round >= 0) figures[name] = [...(figures[name] ?? []), figure];
    }
  }
  return figures;
}

const format = (value: number): string =>
  value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);

/** Prints an answer. @returns whether all its targets are kept. */
export function report(answer: Answer): boolean {
  console.log(`\n## ${answer.question}`);
  for (const [name, values] of Object.entries(answer.figures))
    console.log(
      `  ${name.padEnd(28)} median ${format(median(values)).padStart(8)} ${answer.unit}   (${format(Math.min(...values))} to ${format(Math.max(...values))}, ${values.length} rounds)`,
    );
  let kept = true;
  for (const { title, values, atLeast, atMost } of answer.targets) {
    const value = median(values);
    const ok = (atLeast === undefined || value >= atLeast) && (atMost === undefined || value <= atMost);
    kept &&= ok;
    const bound = atLeast === undefined ? `<= ${atMost}` : `>= ${atLeast}`;
    console.log(`  ${ok ? 'kept  ' : 'MISSED'} ${title}: ${format(value)} (target ${bound})`);
  }
  return kept;
}
