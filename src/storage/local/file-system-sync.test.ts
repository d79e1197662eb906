import assert from 'node:assert/strict';
import childProcess, { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, statfs, writeFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { isGone } from '../../core/test-process.ts';
import { FileSystemSync } from './file-system-sync.ts';
import { fileSystemOf } from './file-system-type.ts';

const NEVER = new AbortController().signal;

describe('a sync of the whole file system', { skip: process.platform !== 'linux' }, () => {
  test('only file systems whose syncfs can be relied on are synced whole', async (context) => {
    const { calls } = await standIn(context, 'exit 0');
    for (const type of ['btrfs', 'ext', 'xfs', 'overlay', null] as const) {
      const fileSystem = new FileSystemSync(`/${type}`, type);
      assert.equal(await fileSystem.run(NEVER), type === 'overlay' || type === null ? 'none' : 'done');
      fileSystem.end();
    }
    assert.deepEqual(await calls(), ['-f|/btrfs', '-f|/ext', '-f|/xfs']);
  });

  test('the file system of a directory is told by its number', async () => {
    for (const directory of ['/proc', tmpdir(), import.meta.dirname]) {
      const { type } = await statfs(directory);
      const known =
        { 61267: 'ext', 1481003842: 'xfs', 2435016766: 'btrfs', 2035054128: 'overlay' }[type] ?? null;
      assert.equal(await fileSystemOf(directory), known, `${directory}: 0x${type.toString(16)}`);
    }
    assert.equal(await fileSystemOf('/nothing/here'), null);
  });

  test("a sync that is not GNU's is not believed", async (context) => {
    const { calls } = await standIn(context, 'exit 0', 'BusyBox v1.36.1 multi-call binary.');
    const fileSystem = new FileSystemSync('/objects', 'ext');
    context.after(() => fileSystem.end());
    assert.equal(await fileSystem.run(NEVER), 'none');
    assert.equal(await fileSystem.run(NEVER), 'none');
    assert.deepEqual(await calls(), []);
  });

  test("the system's own sync -f is called once for each question, on the directory", async (context) => {
    const { calls } = await standIn(context, 'exit 0');
    const fileSystem = new FileSystemSync('/some where/objects', 'ext');
    context.after(() => fileSystem.end());
    assert.equal(await fileSystem.run(NEVER), 'done');
    assert.equal(await fileSystem.run(NEVER), 'done');
    assert.deepEqual(await calls(), ['-f|/some where/objects', '-f|/some where/objects']);
  });

  test('the real sync -f knows its option, and says so when there is nothing to sync', async (context) => {
    const there = new FileSystemSync(tmpdir(), 'ext');
    const missing = new FileSystemSync(join(tmpdir(), 'nothing-here'), 'ext');
    context.after(() => [there, missing].map((fileSystem) => fileSystem.end()));
    assert.equal(await there.run(NEVER), 'done');
    assert.equal(await missing.run(NEVER), 'failed');
  });

  test('a sync that fails is the last one: of what is lost no other would tell', async (context) => {
    const { calls } = await standIn(context, 'exit 1');
    const fileSystem = new FileSystemSync('/objects', 'ext');
    context.after(() => fileSystem.end());
    assert.equal(await fileSystem.run(NEVER), 'failed');
    assert.equal(await fileSystem.run(NEVER), 'none');
    assert.equal((await calls()).length, 1);
  });

  test('where no process can be started none is made, and that is not tried again', async (context) => {
    const { spawn: real } = childProcess;
    const { mock } = context.mock.method(childProcess, 'spawn', () => real('/no/such/shell', { cwd: '/' }));
    syncBuiltinESMExports();
    context.after(() => {
      mock.restore();
      syncBuiltinESMExports();
    });
    const fileSystem = new FileSystemSync('/objects', 'ext');
    assert.equal(await fileSystem.run(NEVER), 'none');
    assert.equal(await fileSystem.run(NEVER), 'none');
    assert.equal(mock.callCount(), 1);
  });

  test('a process that ends in the middle has failed', async (context) => {
    await standIn(context, 'kill -KILL $PPID');
    const fileSystem = new FileSystemSync('/objects', 'ext');
    context.after(() => fileSystem.end());
    assert.equal(await fileSystem.run(NEVER), 'failed');
  });

  test('a signal ends the wait for a disk that hangs', async (context) => {
    const { calls } = await standIn(context, 'echo $$ >> "$calls"; exec sleep 30');
    const fileSystem = new FileSystemSync('/objects', 'ext');
    const startedMs = performance.now();
    const abort = new AbortController();
    const waiting = fileSystem.run(abort.signal);
    while ((await calls()).length < 2) await setTimeout(5);
    abort.abort();
    assert.equal(await waiting, 'none');
    assert.equal(await fileSystem.run(AbortSignal.abort()), 'none');
    assert.ok(performance.now() - startedMs < 10_000);
    const [, pid = 'none'] = await calls();
    await gone(pid);
  });

  test('what waits for the next question keeps no process from ending, and ends with it, even killed', async () => {
    for (const ending of ['', 'process.kill(process.pid, "SIGKILL");']) {
      const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', SCRIPT + ending], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let output = '';
      child.stdout.on('data', (data: Buffer) => {
        output += data.toString();
      });
      const [, signal] = (await once(child, 'close')) as [number, string | null];
      assert.equal(signal, ending === '' ? null : 'SIGKILL');
      const [synced = '', pid = ''] = output.trim().split(' ');
      assert.equal(synced, 'done');
      await gone(pid);
    }
  });
});

/** Waits until a process has ended. */
async function gone(pid: string): Promise<void> {
  assert.match(pid, /^\d+$/);
  const deadlineMs = performance.now() + 10_000;
  while (!(await isGone(pid)) && performance.now() < deadlineMs) await setTimeout(10);
  assert.ok(await isGone(pid));
}

/** Syncs once and tells the process that waits for more. */
const SCRIPT = `
  import { readFileSync } from 'node:fs';
  import { tmpdir } from 'node:os';
  const { FileSystemSync } = await import(${JSON.stringify(new URL('file-system-sync.ts', import.meta.url).href)});
  const fileSystem = new FileSystemSync(tmpdir(), 'ext');
  const synced = await fileSystem.run(new AbortController().signal);
  const [child] = readFileSync('/proc/self/task/' + process.pid + '/children', 'utf8').trim().split(' ');
  process.stdout.write(synced + ' ' + child);
`;

/** Puts a program called `sync` first on the path: it notes how it was called and then runs the script. */
async function standIn(context: TestContext, script: string, version = 'sync (GNU coreutils) 9.1') {
  const directory = await mkdtemp(join(tmpdir(), 'stowage-sync-'));
  const notes = join(directory, 'calls');
  const program = join(directory, 'sync');
  const first = `[ "$1" = --version ] && { echo '${version}'; exit; }`;
  await writeFile(program, `#!/bin/sh\n${first}\ncalls=${notes}\necho "$1|$2" >> "$calls"\n${script}\n`);
  await writeFile(notes, '');
  await chmod(program, 0o700);
  const { PATH } = process.env;
  process.env.PATH = `${directory}${delimiter}${PATH}`;
  context.after(async () => {
    process.env.PATH = PATH;
    await rm(directory, { recursive: true });
  });
  return { calls: async () => (await readFile(notes, 'utf8')).split('\n').slice(0, -1) };
}
