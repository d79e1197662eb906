// Shows that no rule of the gate can go unnoticed: `npm run mutate [-- part of a path …]`. Every `throw` of src/validation is
// taken out, one at a time, and the gate's tests must fail. Takes about half an hour on two cores.
import { spawn } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const ROOT = join(import.meta.dirname, '..');
const HOOK = join(import.meta.dirname, 'mutate-hook.mjs');
const AT_ONCE = 2;
/** A test that hangs has failed: what is taken out may be the end of a loop. Such are counted apart. */
const RUN_MS_MAX = 300_000;
/** The samples at once first; what those let pass is asked of all tests, and of the samples in pieces. */
const STAGES = [
  { files: ['gate', 'admit'], cuts: '1' },
  {
    files: [
      'gate',
      'documents',
      'gate-fuzz',
      'runnable-extensions',
      'verdict-by-token',
      'hash-thread',
      'content-hash',
    ],
    cuts: undefined,
  },
];
/** Throws without which the gate does the same, and why. */
const EQUIVALENT = {
  'admit.ts: throw new Error(`No inspector knows ${mediaType}: the asset type must not accept it.`)':
    'the settings accept no asset type with such a media type',
  'byte-intake.ts: throw new IntakeClosed()':
    'the file was given up: this ends its reader sooner, and what that holds',
  'formats/iso-boxes.ts: throw overflow(reading.format)': 'four bytes are no box either, by the same rule',
  'formats/jpeg-after-end.ts: throw error': 'nothing else than the end of the bytes is thrown there',
  'formats/ooxml.ts: throw new Error(`There is no Office document of type ${mediaType}.`)':
    'the registry asks for known kinds only',
  'formats/pdf-rules.ts: throw embeddedFile()':
    'what was not checked is refused at the end, by the same rule; this keeps the list short until then',
  'formats/xml.ts: throw error': 'a decoder throws nothing but a TypeError',
  'formats/zip-entries.ts: throw error': 'zlib throws nothing else',
  'hash-worker.ts: throw new Error(`Lane ${lane} goes on with a file that never began.`)':
    'the other side begins each file',
};

const { positionals } = parseArgs({ allowPositionals: true });
const sites = globSync('src/validation/**/*.ts', { cwd: ROOT })
  .filter((path) => !/samples|\.test\.ts$/.test(path))
  .sort()
  .flatMap(sitesOf)
  .filter(
    ({ path, line }) =>
      positionals.length === 0 || positionals.some((part) => `${path}:${line}`.includes(part)),
  );
if (sites.length === 0) {
  console.error('No throw of src/validation has such a path.');
  process.exit(2);
}
/** Ends what runs: each has a process group of its own. */
const running = new Set();
for (const signal of ['SIGINT', 'SIGTERM'])
  process.on(signal, () => {
    for (const end of running) end();
    process.exit(1);
  });
const baseline = await isCaught({ path: '', at: -1 });
if (baseline !== null) {
  console.error(`The tests fail as things are: ${baseline}`);
  process.exit(2);
}
const survivors = [];
let hung = 0;
let done = 0;
const queue = [...sites];
await Promise.all(Array.from({ length: AT_ONCE }, work));
// Each reason is for one place.
const reasons = new Set(Object.keys(EQUIVALENT));
const unexpected = survivors.filter(({ code }) => !reasons.delete(code));
const unused = positionals.length > 0 ? [] : [...reasons];
for (const code of unused) console.log(`NO LONGER WITHOUT EFFECT ${code}`);
for (const { line, code } of unexpected) console.log(`NOT NOTICED line ${line} of ${code}`);
console.log(
  `# ${sites.length} throws taken out: ${sites.length - survivors.length} noticed (${hung} by a test that hung), ` +
    `${survivors.length - unexpected.length} without effect, ${unexpected.length} not noticed`,
);
process.exit(unexpected.length + unused.length === 0 ? 0 : 1);

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
      const name = path.replace('src/validation/', '');
      const thrown = text.slice(index, text.indexOf(';', index)).replace(/\s+/g, ' ');
      return { path, at: index, line, name: `${name}:${line}`, code: `${name}: ${thrown}` };
    });
}

/** The tests that fail without a throw; null when none does. */
async function isCaught(site) {
  for (const stage of STAGES) if ((await run(stage, site)) !== 0) return stage.files.join(' ');
  return null;
}

function run({ files, cuts }, { path, at }) {
  const flags = ['--conditions=stowage-source', `--import=${HOOK}`, '--test', '--test-reporter=dot'];
  const tests = files.map((name) => `src/validation/${name}.test.ts`);
  const mutation = { MUTATED_FILE: path, MUTATED_AT: String(at) };
  const env = { ...process.env, NODE_ENV: 'test', STOWAGE_TEST_SEED: '1', ...mutation };
  if (cuts !== undefined) env.STOWAGE_TEST_CUTS = cuts;
  const child = spawn(process.execPath, [...flags, ...tests], {
    cwd: ROOT,
    env,
    stdio: 'ignore',
    detached: true,
  });
  const end = () => process.kill(-child.pid, 'SIGKILL');
  running.add(end);
  const timer = setTimeout(() => {
    hung += 1;
    end();
  }, RUN_MS_MAX);
  return new Promise((resolve) => {
    child.once('exit', (code) => {
      clearTimeout(timer);
      running.delete(end);
      resolve(code ?? 1);
    });
  });
}
