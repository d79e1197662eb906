// Shows that no rule of the gate can go unnoticed: `npm run mutate [-- part of a path …]`. Every `throw` of src/validation is
// taken out, one at a time, and the gate's tests must fail. Takes about a quarter of an hour on two cores.
import { spawn } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const ROOT = join(import.meta.dirname, '..');
const HOOK = join(import.meta.dirname, 'mutate-hook.mjs');
const AT_ONCE = 2;
/** A test that hangs has failed: what is taken out may be the end of a loop. */
const RUN_MS_MAX = 180_000;
/** Quick tests first; the others are asked only about what those let pass. */
const TESTS = [
  ['gate', 'admit'],
  [
    'rules',
    'documents',
    'gate-fuzz',
    'runnable-extensions',
    'verdict-by-token',
    'hash-thread',
    'content-hash',
  ],
].map((names) => names.map((name) => `src/validation/${name}.test.ts`));
/** What no test can tell from the gate as it is, and why. */
const EQUIVALENT = {};

const { positionals } = parseArgs({ allowPositionals: true });
const sites = globSync('src/validation/**/*.ts', { cwd: ROOT })
  .filter((path) => !/samples|\.test\.ts$/.test(path))
  .sort()
  .flatMap(sitesOf)
  .filter(({ name }) => positionals.length === 0 || positionals.some((part) => name.includes(part)));
const baseline = await isCaught({ path: '', at: -1 });
if (baseline !== null) {
  console.error(`The tests fail as things are: ${baseline}`);
  process.exit(2);
}
const survivors = [];
let done = 0;
const queue = [...sites];
await Promise.all(Array.from({ length: AT_ONCE }, work));
const unexpected = survivors.filter(({ code }) => EQUIVALENT[code] === undefined);
for (const { name, code } of unexpected) console.log(`NOT NOTICED ${name}: ${code}`);
console.log(
  `# ${sites.length} throws taken out: ${sites.length - survivors.length} noticed, ` +
    `${survivors.length - unexpected.length} without effect, ${unexpected.length} not noticed`,
);
process.exit(unexpected.length === 0 && sites.length > 0 ? 0 : 1);

async function work() {
  for (let site = queue.shift(); site !== undefined; site = queue.shift()) {
    const by = await isCaught(site);
    if (by === null) survivors.push(site);
    done += 1;
    console.log(`${done}/${sites.length} ${site.name} ${by === null ? 'NOT NOTICED' : `noticed by ${by}`}`);
  }
}

/** Where a file throws. */
function sitesOf(path) {
  const text = readFileSync(join(ROOT, path), 'utf8');
  return [...text.matchAll(/\bthrow\b(?= )/g)]
    .filter(({ index }) => !/^\s*(?:\*|\/\/|\/\*)/.test(text.slice(text.lastIndexOf('\n', index) + 1)))
    .map(({ index }) => {
      const line = text.slice(0, index).split('\n').length;
      return {
        path,
        at: index,
        name: `${path}:${line}`,
        code: text.slice(index, text.indexOf(';', index)).replace(/\s+/g, ' '),
      };
    });
}

/** The tests that fail without a throw; null when none does. */
async function isCaught({ path, at }) {
  for (const files of TESTS) {
    if ((await run(files, path, at)) !== 0)
      return files.map((file) => file.replace(/^.*\/|\.test\.ts$/g, '')).join(' ');
  }
  return null;
}

function run(files, path, at) {
  const flags = ['--conditions=stowage-source', `--import=${HOOK}`, '--test', '--test-reporter=dot'];
  const env = {
    ...process.env,
    NODE_ENV: 'test',
    MUTATED_FILE: path,
    MUTATED_AT: String(at),
    STOWAGE_TEST_CUTS: '1',
    STOWAGE_TEST_SEED: '1',
  };
  const child = spawn(process.execPath, [...flags, ...files], {
    cwd: ROOT,
    env,
    stdio: 'ignore',
    detached: true,
  });
  const timer = setTimeout(() => process.kill(-child.pid, 'SIGKILL'), RUN_MS_MAX);
  return new Promise((resolve) => {
    child.once('exit', (code) => {
      clearTimeout(timer);
      resolve(code ?? 1);
    });
  });
}
