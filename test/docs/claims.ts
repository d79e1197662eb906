import { type Block, blocksOf, placeOf } from './blocks.ts';

/** Blocks by document, each by a piece of text that it alone has there. */
type Pieces = Readonly<Record<string, readonly string[]>>;

/**
 * Which test executes which block. A new block belongs here, under the test that runs it; tests get their blocks from here
 * (`claimed`), so that what a test says it runs and what it runs are one thing.
 */
export const EXECUTED: Readonly<Record<string, Pieces>> = {
  // Whole programs that stand in examples/, run there against real services.
  'test/readme.test.ts': { 'README.md': ['createReadStream', 'openAsBlob'] },
  'test/guides/bring-your-own-auth.test.ts': {
    'docs/guides/bring-your-own-auth.md': ['express.ErrorRequestHandler', 'curl -b'],
  },
  'test/guides/browser-uploads.test.ts': {
    'docs/guides/accept-uploads-from-a-browser.md': [
      'express.static',
      '<!doctype html>',
      'document.createElement',
    ],
    'docs/guides/attachments.md': ['create table attachments'],
  },
  // Pieces of the examples, as they stand there; test/examples runs those.
  'test/guides/guides.test.ts': {
    'docs/guides/attachments.md': [
      ...['defineConfig', 'stowage.receive', 'insert into attachments', 'stowage.begin', 'stowage.complete'],
      ...['uploadsPath', 'client.resume', 'asTeam'],
    ],
    'docs/guides/brand-images.md': ['lora_set', 'stowage.transaction', 'unlink: true', 'openVariants'],
    'docs/guides/testing-your-app.md': ['mkdtempSync'],
  },
  'test/guides/invoices.test.ts': {
    'docs/guides/invoices.md': [
      ...['auth/register', '"invoice_id"', 'file_access_logs', 'stowage.send', 'insertInvoice'],
      ...['setTimeout(giveUp', 'issueToken', 'asColleague'],
    ],
  },
  'test/guides/curl.test.ts': {
    'README.md': ['files=@photo.jpg', 'access-log'],
    'docs/reference/direct-uploads.md': ['upload=$(', '-H @headers.txt', 'form-string', 'jq -c', '/complete'],
  },
  'test/move/guide.test.ts': {
    'docs/guides/move-to-a-cloud.md': [
      ...[
        'stowage doctor',
        '--rate 50mb',
        '--to s3 --apply --delete-source',
        '--to azure --apply --delete-source',
      ],
      '--to local',
    ],
  },
  'src/catalog/access-log-chain.test.ts': { 'docs/reference/audit-log.md': ['string_agg'] },
  'test/docs/library.test.ts': {
    'docs/guides/bring-your-own-auth.md': ['mayRead'],
    'docs/reference/library.md': [
      ...[
        'cases/{case_id}',
        'fileFields',
        "fields: { case_id: '7' }",
        'database.migrate',
        'logo: { max: 1 }',
        'tx.link',
      ],
      ...[
        'stowage.handler({',
        "app.use('/storage'",
        'fastifyRoutes',
        'ErrorRequestHandler',
        'setErrorHandler',
      ],
    ],
  },
  'test/docs/source-readmes.test.ts': {
    'src/catalog/README.md': ['openTestCatalog'],
    'src/storage/conformance/README.md': ['describeBackend'],
  },
  'test/docs/client.test.ts': {
    'docs/reference/client.md': ['session.accessToken', 'onState', 'client.resume'],
  },
  'test/docs/settings.test.ts': {
    'docs/guides/cdn.md': ['CDN_DISTRIBUTION_ID=', 'CDN_ORIGIN=service', 'CDN_PURGE_URL='],
    'docs/guides/move-to-a-cloud.md': ['LOCAL_STORAGE_PATH=', 'STORAGE_BACKEND=azure'],
    'docs/guides/provision-aws.md': ['S3_BUCKET_NAME=', 'ecs-tasks', 'readFileSync', 'leaveOut'],
    'docs/guides/provision-azure.md': ['AZURE_ACCOUNT_URL=', 'defineConfig'],
    'docs/guides/provision-gcp.md': ['GCS_BUCKET_NAME=', 'defineConfig'],
    'docs/guides/provision-local.md': ['LOCAL_STORAGE_PATH=', 'defineConfig'],
    'docs/providers/azure.md': ['AZURE_STORAGE_CONNECTION_STRING_FILE=', 'AZURE_ACCOUNT_URL='],
    'docs/reference/configuration.md': ['defineConfig'],
  },
  'test/docs/commands.test.ts': {
    'docs/guides/cdn.md': ['openssl'],
    'docs/guides/cost.md': ['stowage estimate'],
    'docs/guides/provision-aws.md': [
      ...['provision plan', 'provision verify', 'openssl', 'provision export', 'provision destroy'],
    ],
    'docs/guides/provision-azure.md': ['az login'],
    'docs/guides/provision-gcp.md': ['gcloud iam'],
    'docs/guides/provision-local.md': ['provision plan'],
    'deploy/terraform/README.md': ['provision export'],
  },
  'test/docs/stores.test.ts': {
    'docs/providers/s3.md': ['AbortIncompleteMultipartUpload', 's3:ListBucket', 'CORSRules'],
    'docs/providers/gcs.md': ['AbortIncompleteMultipartUpload', 'responseHeader'],
  },
  'test/docs/database.test.ts': { 'docs/reference/database.md': ['create role'] },
  'test/docs/answers.test.ts': {
    'docs/reference/errors.md': ['file_type_mismatch'],
    'docs/guides/monitoring.md': ['scrape_configs'],
  },
};

/** Blocks that no test can run, and why. Each page says itself what its commands need. */
export const NOT_EXECUTED: readonly { document: string; piece: string; why: string }[] = [
  {
    document: 'README.md',
    piece: 'npm ci',
    why: 'It installs the repository and runs every test, as .ci/run does. test/docs/first-start.test.ts runs `npm start`.',
  },
  {
    document: 'test/acceptance/README.md',
    piece: 'hostile.test.ts',
    why: 'It runs tests, this one among them.',
  },
  { document: 'test/acceptance/README.md', piece: 'STORAGE_BACKEND=s3', why: 'It runs tests.' },
  { document: 'CONTRIBUTING.md', piece: 'npm run example', why: 'It installs the repository.' },
  { document: 'CONTRIBUTING.md', piece: 'TEST_CLOUDS', why: 'It runs every test, this one among them.' },
  {
    document: 'docs/guides/provision-aws.md',
    piece: 'npm install',
    why: 'It asks a package registry. That it names what the command needs is compared.',
  },
  ...['docs/providers/azure.md', 'docs/guides/provision-azure.md'].map((document) => ({
    ...{ document, piece: 'az storage account create' },
    why: 'It needs an account at Microsoft and the tool `az`.',
  })),
  {
    document: 'docs/providers/azure.md',
    piece: 'az storage cors',
    why: 'It needs an account at Microsoft and the tool `az`.',
  },
  ...['gcloud storage buckets create', 'gcloud services'].map((piece) => ({
    ...{ document: 'docs/providers/gcs.md', piece },
    why: 'It needs an account at Google and the tool `gcloud`.',
  })),
  {
    document: 'docs/providers/s3.md',
    piece: 'aws s3api',
    why: 'It needs an account at Amazon and the tool `aws`. The JSON it names is put on a store.',
  },
];

/**
 * The blocks that a test executes, in the order of the table.
 *
 * @param test path of the test below the root of the repository.
 */
export function claimed(test: string, document?: string): readonly Block[] {
  return Object.entries(EXECUTED[test] ?? {})
    .filter(([each]) => document === undefined || each === document)
    .flatMap(([each, pieces]) => pieces.map((piece) => blockWith(each, piece)));
}

/** @throws Error unless exactly one block of the document has the text. */
export function blockWith(document: string, piece: string): Block {
  const [block, ...more] = blocksOf(document).filter(({ text }) => text.includes(piece));
  if (block === undefined) throw new Error(`${document} has no block with ${piece}`);
  if (more.length > 0)
    throw new Error(`${piece} is in several blocks: ${[block, ...more].map(placeOf).join(', ')}`);
  return block;
}
