import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Runs a function two thousand times, with pauses in which V8 compiles. */
const WORK = `
  const work = (number) => ({ number: number * 2 });
  for (let time = 0; time < 2000; time++) {
    work(time);
    if (time % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  }
`;

/** Whether V8 gave that function to its best compiler. */
async function isCompiled(script: string): Promise<boolean> {
  const flags = ['--trace-opt', '--input-type=module', '--eval', script];
  const { stdout } = await run(process.execPath, flags, { cwd: import.meta.dirname });
  return /compiling method \S+ <JSFunction work .*\(target TURBOFAN/.test(stdout);
}

test('what a service has run two thousand times is compiled, where V8 by itself waits for three thousand', async () => {
  assert.equal(await isCompiled(WORK), false, 'V8 does so by itself');
  assert.equal(await isCompiled(`(await import('./early-code.ts')).compileEarly(); ${WORK}`), true);
});
