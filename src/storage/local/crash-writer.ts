// Stores objects without end and prints each acknowledged key with its digest: the victim of crash.test.ts.
import { createHash } from 'node:crypto';
import { writeSync } from 'node:fs';
import { parseObjectKey } from '../../core/key.ts';
import { inChunks, noise } from '../conformance/material.ts';
import { openLocalBackend } from './backend.ts';

const [root = '', round = ''] = process.argv.slice(2);
const backend = await openLocalBackend({
  root,
  publicUrl: 'http://127.0.0.1',
  signingSecrets: ['a secret of the tests, 32 bytes +'],
  freeBytesMin: 0,
});
await Promise.all([0, 1, 2, 3, 4, 5, 6, 7].map(store));

async function store(writer: number): Promise<void> {
  for (let number = 0; ; number += 1) {
    // Small ones, which are one write, and some that take several.
    const bytes = noise(number % 5 === 4 ? 700_000 + number : 500 + number, writer * 100_000 + number + 1);
    const digest = createHash('sha256').update(bytes).digest('hex');
    // Half of the keys are replaced again and again.
    const key = number % 2 === 0 ? `${round}/${writer}/${number}` : `replaced/${writer}`;
    await backend.put(parseObjectKey(key), inChunks(bytes, 100_000), {
      mode: number % 2 === 0 ? 'create' : 'replace',
      contentType: 'text/plain',
      cacheControl: '',
      metadata: { content_hash: digest },
    });
    if (number % 2 === 0) writeSync(1, `${key} ${digest}\n`);
  }
}
