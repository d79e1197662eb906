// Question: how long does it take to make a signed URL of a file on local disk?
// Method: 50,000 read URLs of one object, one after the other; a first round warms up. Excluded: HTTP and the log entry.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseObjectKey } from '../src/core/key.ts';
import { openLocalBackend } from '../src/storage/index.ts';
import { type Answer, scratch } from './harness.ts';

const URLS = 50_000;
const KEY = parseObjectKey('brand-images/user-1/1700000000_ab12cd34_photo.jpg');

export async function signLocal(rounds: number): Promise<Answer> {
  const path = scratch();
  const backend = await openLocalBackend({
    root: join(path, 'store'),
    publicUrl: 'http://127.0.0.1',
    signingSecrets: ['x'.repeat(32)],
  });
  const options = {
    nowMs: 1_700_000_000_000,
    lifetimeSeconds: 3600,
    contentDisposition: 'inline; filename="photo.jpg"',
    contentType: 'image/jpeg',
    grant: { assetId: '0190d6e4-9a50-7b2e-8f0e-6a1f3f1c2d3e', userId: 'user-1', tenantId: 'default' },
  };
  const values: number[] = [];
  for (let round = -1; round < rounds; round += 1) {
    const started = performance.now();
    for (let made = 0; made < URLS; made += 1) await backend.signRead(KEY, options);
    if (round >= 0) values.push(((performance.now() - started) * 1000) / URLS);
  }
  await backend.close();
  await rm(path, { recursive: true, force: true });
  return {
    question: 'Making a signed URL of local disk',
    unit: 'µs',
    figures: { signRead: values },
    targets: [{ title: 'microseconds', values, atMost: 20 }],
  };
}
