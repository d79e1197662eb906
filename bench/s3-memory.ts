// Question: does memory stay flat while one very large upload goes through the service to S3?
// Method: `stowage serve` on S3, a real socket to the small S3 server of the tests (it verifies signatures and writes to disk) in a
// process of its own. After a warm-up upload of 50 MB one connection sends 1 GiB; the resident memory of the service is read from
// /proc every 20 ms; the figure is the highest reading less the one before the upload.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { S3Client } from '../src/storage/s3/client.ts';
import { OWNER } from '../test/servers/s3/test-users.ts';
import { formPost, RawClient } from './client.ts';
import {
  type Answer,
  type Contender,
  memoryDuring,
  scratch,
  startBaseline,
  startStowage,
  token,
} from './harness.ts';
import { s3OptionsFor } from './s3.ts';
import { film } from './upload-large.ts';

const FILE_BYTES = 1 << 30;
const BUCKET = 'bench-memory';
/** Larger films than the shipped asset type takes. */
const CONFIG = {
  assetTypes: {
    film: { accepts: { 'video/mp4': ['mp4'] }, maxSize: '2gb', keyTemplate: 'films/{user_id}/{uuid}.{ext}' },
  },
};

export async function s3Memory(): Promise<Answer> {
  const directory = scratch();
  const configPath = join(directory, 'stowage.config.json');
  writeFileSync(configPath, JSON.stringify(CONFIG));
  const store = await startBaseline('s3-server', 's3-server.ts', []);
  const client = new S3Client(s3OptionsFor(store.origin, BUCKET));
  await client.callForText({ method: 'PUT', key: null });
  await client.close();
  const stowage = await startStowage(join(directory, 'stowage'), {
    STOWAGE_CONFIG: configPath,
    STORAGE_BACKEND: 's3',
    S3_BUCKET_NAME: BUCKET,
    S3_REGION: 'us-east-1',
    S3_ENDPOINT: store.origin,
    S3_FORCE_PATH_STYLE: 'true',
    S3_ACCESS_KEY: OWNER.accessKeyId,
    S3_SECRET_KEY: OWNER.secretAccessKey,
  });
  try {
    await uploadFilm(stowage, 50_000_000);
    const started = performance.now();
    const { before, highest } = await memoryDuring(stowage.pid, () => uploadFilm(stowage, FILE_BYTES));
    const seconds = (performance.now() - started) / 1000;
    console.log(`  (1 GiB in ${seconds.toFixed(1)} s)`);
    return {
      question: 'One upload of 1 GiB through the service to S3',
      unit: 'MB',
      figures: { 'memory before': [before / 1e6], 'highest memory': [highest / 1e6] },
      targets: [{ title: 'growth in MB', values: [(highest - before) / 1e6], atMost: 150 }],
    };
  } finally {
    await stowage.stop();
    await store.stop();
  }
}

async function uploadFilm(contender: Contender, totalBytes: number): Promise<void> {
  const file = { name: 'film.mp4', type: 'video/mp4', sizeBytes: totalBytes, assetType: 'film' };
  const { head, tail } = formPost('/api/upload', file, token());
  const client = new RawClient(contender.origin);
  const answer = await client.send(
    (function* () {
      yield head;
      yield* film(totalBytes);
      yield tail;
    })(),
  );
  client.close();
  if (answer.status !== 200) throw new Error(`${answer.status} ${answer.body}`);
}
