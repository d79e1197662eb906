// Runs the laws of storage and the core of the acceptance tests against a real cloud: `npm run test:live`.
// The settings are Stowage's own, in the environment; TEST_LIVE_BUCKET repeats the bucket's name, because what lies in it
// below `laws/` and what the acceptance tests store there is removed. It costs requests, storage for minutes, and traffic.
import { spawnSync } from 'node:child_process';
import { CLOUD_CORE } from '../test/acceptance/clouds.ts';

const BUCKET_SETTINGS = { s3: 'S3_BUCKET_NAME', azure: 'AZURE_CONTAINER_NAME', gcs: 'GCS_BUCKET_NAME' };

const problem = problemOf(process.env);
if (problem !== null) {
  console.error(`${problem}

npm run test:live asks a real cloud. Give it a bucket of its own, empty, and credentials that may use it, for example

  STORAGE_BACKEND=s3 S3_BUCKET_NAME=my-test S3_REGION=eu-central-1 TEST_LIVE_BUCKET=my-test npm run test:live
  STORAGE_BACKEND=azure AZURE_CONTAINER_NAME=test AZURE_ACCOUNT_URL=https://… TEST_LIVE_BUCKET=test npm run test:live
  STORAGE_BACKEND=gcs GCS_BUCKET_NAME=my-test TEST_LIVE_BUCKET=my-test npm run test:live

with the keys by the names of docs/reference/configuration.md, or the machine's own identity.`);
  process.exit(2);
}

const core = CLOUD_CORE.map((name) => `test/acceptance/${name}.test.ts`);
const flags = ['--conditions=stowage-source', '--test', '--test-concurrency=1', '--test-timeout=900000'];
const { status } = spawnSync(process.execPath, [...flags, 'test/live/laws.live.ts', ...core], {
  stdio: 'inherit',
  env: { ...process.env, NODE_ENV: 'test', TEST_LIVE: '1' },
});
console.log(`\n# A real store: ${process.env.STORAGE_BACKEND}, bucket ${process.env.TEST_LIVE_BUCKET}`);
process.exit(status ?? 1);

/** What is missing or dangerous; null when the run may begin. */
function problemOf(env) {
  const setting = BUCKET_SETTINGS[env.STORAGE_BACKEND];
  if (setting === undefined) return 'STORAGE_BACKEND has to be s3, azure or gcs.';
  const bucket = env[setting];
  if (!bucket) return `${setting} is not set.`;
  if (env.TEST_LIVE_BUCKET !== bucket)
    return `TEST_LIVE_BUCKET has to repeat the value of ${setting}: what the tests store there is removed.`;
  return null;
}
