import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';

const keepSteady = (rest = '') => `
  const { keepHeapSteady } = await import('./steady-heap.ts');
  keepHeapSteady(${rest});
`;

/** What a process writes. */
async function outputOf(script: string, ...flags: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, [...flags, '--input-type=module', '--eval', script], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  assert.equal(code, 0);
  return output;
}

/** How often V8 collects the whole heap of a process in order to give memory back. */
async function givenBack(script: string): Promise<number> {
  return (await outputOf(script, '--trace-gc')).split('Mark-Compact (reduce)').length - 1;
}

/** V8's words for its flags: what it was told stands where its default would. */
const FLAGS = "(await import('node:v8')).setFlagsFromString('--help');";

function told(flag: string, help: string): string | undefined {
  return new RegExp(`${flag}=(\\S+)`).exec(help)?.[1];
}

describe('the heap of a service', { concurrency: true }, () => {
  it('is not thrown away in pauses of seconds, keeps hidden classes, and may grow: V8 was told so', async () => {
    const [untouched, steady] = await Promise.all([outputOf(FLAGS), outputOf(`${keepSteady()} ${FLAGS}`)]);
    const flags = [
      ['--memory-reducer-gc-count', '0'],
      ['--retain-maps-for-n-gc', '1000'],
      ['--heap-growing-percent', '100'],
    ] as const;
    for (const [flag, value] of flags) {
      assert.notEqual(told(flag, untouched), undefined, `V8 does not know ${flag} any more`);
      assert.notEqual(told(flag, untouched), value, `V8 does ${flag} by itself`);
      assert.equal(told(flag, steady), value);
    }
  });

  it('is told so before anything else happens: later V8 would end the process', async () => {
    const source = await readFile(new URL('run-service.ts', import.meta.url), 'utf8');
    const [told, opened] = [source.indexOf('keepHeapSteady();'), source.indexOf('await openService(')];
    assert.ok(told > 0 && told < opened);
  });

  it('is given back when the process rests, and again after it has worked', async () => {
    const work = `
      for (let i = 0; i < 30; i++) {
        for (const endMs = Date.now() + 50; Date.now() < endMs; );
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    `;
    const quiet = 'await new Promise((resolve) => setTimeout(resolve, 3_000));';
    const steady = keepSteady('{ lookMs: 200, looks: 4 }');
    const [working, rested, twice] = await Promise.all([
      givenBack(`${steady} ${work}`),
      givenBack(`${steady} ${quiet}`),
      givenBack(`${steady} ${quiet} ${work} ${quiet}`),
    ]);
    assert.equal(working, 0);
    assert.ok(rested > 0, 'nothing was given back');
    assert.ok(twice > rested);
  });
});
