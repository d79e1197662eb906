// Runs the tests with node's own runner: `node scripts/test.mjs [--coverage] [path …]`; paths narrow the run.
// Stores that tests need as servers are started first where their programs are installed; which were real is printed.
import { spawn, spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

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

const ceph = await startCeph();
let status = 1;
try {
  status = await runTests({ ...process.env, NODE_ENV: 'test', ...ceph.env });
} finally {
  ceph.stop();
}
process.exit(status);

function runTests(env) {
  const flags = [
    '--conditions=stowage-source',
    '--test',
    '--test-concurrency=2',
    '--test-timeout=300000',
    ...(coverage
      ? [
          '--experimental-test-coverage',
          '--test-coverage-include=src/{storage,uploads,validation,catalog,access}/**/*.ts',
          '--test-coverage-exclude=**/*.test.ts',
          '--test-coverage-lines=80',
        ]
      : []),
  ];
  const child = spawn(process.execPath, [...flags, ...files], { stdio: 'inherit', env });
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  return new Promise((resolve) => child.once('exit', (code) => resolve(code ?? 1)));
}

/** A Ceph gateway for the S3 laws, if Debian's packages are there and the run includes tests that ask for it. */
async function startCeph() {
  const isWanted = files.some((file) => /storage.s3|test.clouds|move/.test(file));
  const isInstalled =
    spawnSync('sh', ['-c', 'command -v radosgw && command -v ceph-mon && command -v ceph-osd']).status === 0;
  if (!isWanted || !isInstalled) {
    if (process.env.TEST_REQUIRE?.includes('ceph')) throw new Error('Ceph is required but not installed.');
    if (isWanted)
      console.log('# S3: Ceph is not installed; the S3 laws run on the small server of this repository only');
    return { env: {}, stop() {} };
  }
  const directory = mkdtempSync(join(tmpdir(), 'stowage-ceph-'));
  const [httpPort, monPort] = [await freePort(), await freePort()];
  const script = join(import.meta.dirname, '../test/servers/ceph.sh');
  const started = spawnSync(script, ['start', directory, String(httpPort), String(monPort)], {
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: 60_000,
  });
  const stop = () => {
    spawnSync(script, ['stop', directory], { timeout: 20_000 });
    rmSync(directory, { recursive: true, force: true });
  };
  if (started.status !== 0) {
    stop();
    throw new Error('Ceph is installed but did not start.');
  }
  console.log(`# S3: a real Ceph RADOS gateway`);
  return { env: { TEST_CEPH_ENDPOINT: `http://127.0.0.1:${httpPort}` }, stop };
}

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}
