// Runs the tests with node's own runner: `node scripts/test.mjs [--coverage] [path …]`; paths narrow the run.
// Stores that tests need as servers are started first where their programs are installed; which were real is printed.
// The acceptance tests run on local disk, or on what STORAGE_BACKEND names: s3, azure, gcs. A run of everything adds
// their core on all three; with TEST_CLOUDS=all it is every file that is not for local disk only.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { CLOUD_CORE, CLOUDS, LOCAL_ONLY } from '../test/acceptance/clouds.ts';

const args = process.argv.slice(2);
const coverage = args.includes('--coverage');
const paths = args.filter((argument) => !argument.startsWith('--'));
const files = (paths.length > 0 ? paths : ['src', 'test'])
  .flatMap((path) => (path.endsWith('.ts') ? [path] : globSync(`${path}/**/*.test.ts`)))
  .sort();
if (files.length === 0) {
  console.error('No test files found.');
  process.exit(1);
}

const acceptance = (file) => /^test\/acceptance\/([\w-]+)\.test\.ts$/.exec(file)?.[1];
const named = process.env.STORAGE_BACKEND ?? 'local';
const isEverything = paths.length === 0 && !coverage && named === 'local';
/** The folders of src/ whose lines must be run by their tests, each to this share. */
const COVERED = ['storage', 'uploads', 'validation', 'catalog', 'access'];
const COVERED_SHARE_MIN = 0.8;
const ceph = await startCeph();
/** Most files that are tried once more: when more fail, it is not the machine. */
const RETRIED_FILES_MAX = 5;
const total = { passed: 0, failed: 0, skipped: 0, passedAlone: [] };
let status = 1;
try {
  status = await runTests(named, named === 'local' ? files : files.filter(isForClouds));
  for (const backend of isEverything ? CLOUDS : []) {
    const core = files.filter((file) =>
      process.env.TEST_CLOUDS === 'all'
        ? acceptance(file) && isForClouds(file)
        : CLOUD_CORE.includes(acceptance(file)),
    );
    console.log(`\n# The acceptance tests on ${backend}: ${core.map(acceptance).join(', ')}`);
    status = (await runTests(backend, core)) || status;
  }
} finally {
  ceph.stop();
}
console.log(storesUsed());
console.log(`# ${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
for (const file of total.passedAlone)
  console.log(
    `# FLAKY: ${file} failed beside others and passed alone. That is a fault: mend the test or what it tests.`,
  );
process.exit(status);

/** Whether a test file says anything about the clouds; the others tell why not. */
function isForClouds(file) {
  const reason = LOCAL_ONLY[acceptance(file)];
  if (reason !== undefined) console.log(`# not on ${named}: ${file}: ${reason}`);
  return reason === undefined;
}

/**
 * Runs test files. With TEST_RETRY=1, files that failed are run once more, one after the other, and named at the end:
 * on a loaded machine a wait can be too short, and then that is all there is to see.
 */
async function runTests(backend, chosen) {
  if (chosen.length === 0) return 0;
  const first = await runOnce(backend, chosen, 2);
  const { failedFiles } = first;
  const isRetried =
    first.code !== 0 &&
    process.env.TEST_RETRY === '1' &&
    failedFiles.length > 0 &&
    failedFiles.every((file) => chosen.includes(file)) &&
    failedFiles.length <= RETRIED_FILES_MAX;
  if (!isRetried) return counted(first);
  console.log(`\n# Once more, alone: ${failedFiles.join(', ')}`);
  const second = await runOnce(backend, failedFiles, 1);
  total.passedAlone.push(...failedFiles.filter((file) => !second.failedFiles.includes(file)));
  return counted({ ...second, passed: first.passed, skipped: first.skipped, lines: first.lines });
}

function counted({ code, passed, failed, skipped, lines }) {
  total.passed += passed;
  total.failed += failed;
  total.skipped += skipped;
  return coverage && !isCovered(lines) ? code || 1 : code;
}

/** Whether enough lines of each folder were run, of those whose tests were asked for. */
function isCovered(lines) {
  const asked = COVERED.filter((folder) => files.some((file) => file.startsWith(`src/${folder}/`)));
  return asked
    .map((folder) => {
      const { covered, total } = lines[folder] ?? { covered: 0, total: 1 };
      const isEnough = covered >= total * COVERED_SHARE_MIN;
      const share = ((100 * covered) / total).toFixed(2);
      console.log(`# src/${folder}: ${share} % of ${total} lines${isEnough ? '' : ', too few'}`);
      return isEnough;
    })
    .every(Boolean);
}

async function runOnce(backend, chosen, atOnce) {
  const env = { ...process.env, NODE_ENV: 'test', ...ceph.env };
  if (backend !== 'local') env.STORAGE_BACKEND = backend;
  const directory = mkdtempSync(join(tmpdir(), 'stowage-tally-'));
  const tally = join(directory, 'tally.json');
  const flags = [
    '--conditions=stowage-source',
    '--test',
    `--test-concurrency=${atOnce}`,
    '--test-timeout=300000',
    ...['--test-reporter=spec', '--test-reporter-destination=stdout'],
    ...[
      `--test-reporter=${join(import.meta.dirname, 'test-tally.mjs')}`,
      `--test-reporter-destination=${tally}`,
    ],
    ...(coverage
      ? [
          '--experimental-test-coverage',
          `--test-coverage-include=src/{${COVERED.join()}}/**/*.ts`,
          '--test-coverage-exclude=**/*.test.ts',
        ]
      : []),
  ];
  const child = spawn(process.execPath, [...flags, ...chosen], { stdio: 'inherit', env });
  const pass = (signal) => child.kill(signal);
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, pass);
  const code = await new Promise((resolve) => child.once('exit', (exitCode) => resolve(exitCode ?? 1)));
  for (const signal of ['SIGINT', 'SIGTERM']) process.off(signal, pass);
  const counts = existsSync(tally) && JSON.parse(readFileSync(tally, 'utf8') || 'null');
  rmSync(directory, { recursive: true, force: true });
  const none = { passed: 0, failed: chosen.length, skipped: 0, failedFiles: [], lines: {} };
  const { failedFiles, ...rest } = counts || none;
  return { code, ...rest, failedFiles: failedFiles.map((file) => relative(process.cwd(), file)) };
}

/** A Ceph gateway, if Debian's packages are there and the run includes tests that ask for it. Tried twice. */
async function startCeph() {
  const none = { env: {}, stop() {}, state: '' };
  const wanting = /storage.s3|test.(?:clouds|servers|cdn|examples.task)|s3-user|move|provision/;
  const isWanted = files.some((file) => wanting.test(file) || (named === 's3' && acceptance(file)));
  if (!isWanted) return none;
  const isRequired = process.env.TEST_REQUIRE?.split(/[ ,]+/).includes('ceph') ?? false;
  const refuse = (message) => {
    if (isRequired) throw new Error(`${message} TEST_REQUIRE names ceph.`);
    console.log(`# S3: ${message} The small server of this repository stands in.`);
    return { ...none, state: message };
  };
  const programs = 'PATH="$PATH:/usr/sbin"; command -v radosgw && command -v ceph-mon && command -v ceph-osd';
  if (spawnSync('sh', ['-c', programs]).status !== 0) return refuse('Ceph is not installed.');
  const script = join(import.meta.dirname, '../test/servers/ceph.sh');
  for (let attempt = 1; attempt <= 2; attempt += 1) {
    const directory = mkdtempSync(join(tmpdir(), 'stowage-ceph-'));
    const stop = () => {
      spawnSync(script, ['stop', directory], { timeout: 20_000 });
      rmSync(directory, { recursive: true, force: true });
    };
    // Each try has ports of its own: one that was free a moment ago may be taken.
    const [httpPort, monPort, tlsPort] = [await freePort(), await freePort(), await freePort()];
    const { status: code } = spawnSync(
      script,
      ['start', directory, ...[httpPort, monPort, tlsPort].map(String)],
      {
        stdio: ['ignore', 'ignore', 'inherit'],
        timeout: 75_000,
      },
    );
    if (code === 0) {
      console.log('# S3: a real Ceph RADOS gateway');
      const certificate = join(directory, 'tls.crt');
      const env = {
        TEST_CEPH_ENDPOINT: `http://127.0.0.1:${httpPort}`,
        ...(existsSync(certificate) && {
          TEST_CEPH_TLS_ENDPOINT: `https://127.0.0.1:${tlsPort}`,
          NODE_EXTRA_CA_CERTS: certificate,
        }),
      };
      return { env, stop, state: 'real' };
    }
    stop();
    console.log(`# S3: Ceph did not start (try ${attempt} of 2)`);
  }
  return refuse('Ceph is installed but did not start.');
}

/** Which stores the tests of this run have met. */
function storesUsed() {
  const s3 = {
    real: 'S3: Ceph RADOS gateway (real) and the small server of this repository',
    '': 'S3: the small server of this repository, where a test asked for one',
  };
  return [
    '\n# Stores of this run, where tests asked for them',
    `#   local disk, PostgreSQL: real`,
    `#   ${s3[ceph.state] ?? `S3: the small server of this repository only (${ceph.state})`}`,
    '#   Azure: Azurite, Microsoft’s emulator · Google: the small server of this repository',
    '#   the real clouds: none',
  ].join('\n');
}

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}
