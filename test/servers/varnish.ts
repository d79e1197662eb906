import { spawn, spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

/** A cache on a port of this machine. */
export interface Varnish extends AsyncDisposable {
  readonly origin: string;
}

const PROGRAM = ['/usr/sbin/varnishd', '/usr/bin/varnishd', '/usr/local/sbin/varnishd'].find((file) =>
  existsSync(file),
);
const ROOT = path.resolve(import.meta.dirname, '../..');
/** Compiling the configuration takes a C compiler a second or two; a busy machine longer. */
const START_MS_MAX = 60_000;

/** Why there is no Varnish; false when there is. Fails when `TEST_REQUIRE` names it. */
export function noVarnish(): string | false {
  if (PROGRAM !== undefined) return false;
  const message = 'varnishd is not installed: no test has met a real cache.';
  if (process.env.TEST_REQUIRE?.split(/[ ,]+/).includes('varnish'))
    throw new Error(`${message} TEST_REQUIRE names varnish.`);
  return message;
}

/**
 * Starts Varnish with a configuration of `deploy/varnish`, in which the address of the backend is put in place.
 *
 * @param options.port where it listens; a free one by default.
 */
export async function startVarnish(options: {
  readonly configuration: 'service' | 'store';
  readonly backend: string;
  readonly port?: number;
}): Promise<Varnish> {
  const directory = await mkdtemp(path.join(tmpdir(), 'stowage-varnish-'));
  const { hostname, port: backendPort } = new URL(options.backend);
  const source = readFileSync(path.join(ROOT, `deploy/varnish/${options.configuration}.vcl`), 'utf8');
  const configuration = path.join(directory, 'test.vcl');
  await writeFile(
    configuration,
    source
      .replace(/\.host = "[^"]*";/, `.host = "${hostname}";`)
      .replace(/\.port = "[^"]*";/, `.port = "${backendPort}";`),
  );
  const port = options.port ?? (await steadyPort());
  const child = spawn(
    PROGRAM ?? 'varnishd',
    [
      ...['-F', '-j', 'none', '-n', path.join(directory, 'state'), '-a', `127.0.0.1:${port}`],
      ...['-f', configuration, '-s', 'malloc,64m', '-p', 'thread_pool_min=20'],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => {
      if (printed.length < 100_000) printed += text;
    });
  }
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
    await rm(directory, { recursive: true, force: true });
  };
  const origin = `http://127.0.0.1:${port}`;
  const startedMs = performance.now();
  while (performance.now() - startedMs < START_MS_MAX && child.exitCode === null) {
    // Whatever the backend answers: it came through the cache.
    const answer = await fetch(`${origin}/`, { headers: { connection: 'close' } }).catch(() => undefined);
    if (answer?.headers.has('x-varnish')) return { origin, [Symbol.asyncDispose]: stop };
    await wait(100);
  }
  await stop();
  throw new Error(`Varnish did not start: ${printed.slice(-2000)}`);
}

/** Whether a configuration compiles; what the compiler says otherwise. */
export function compileVcl(configuration: string): { readonly ok: boolean; readonly output: string } {
  const file = path.join(ROOT, 'deploy/varnish', configuration);
  const { status, stderr } = spawnSync(PROGRAM ?? 'varnishd', ['-C', '-f', file], { encoding: 'utf8' });
  return { ok: status === 0, output: stderr };
}

/**
 * A port that is free and that the system gives to nobody who does not ask for it by number (Linux: those from 32768
 * on), so that a cache can go away and come back.
 */
export async function steadyPort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const port = randomInt(18_000, 32_000);
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!isFree) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
  throw new Error('No port was free.');
}
