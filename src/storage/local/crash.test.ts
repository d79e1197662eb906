import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { collectBytes, MIB } from '../../core/bytes.ts';
import { Bucket } from '../bucket.ts';
import { listKeys, sha256 } from '../conformance/material.ts';
import { openTestStore } from './test-store.ts';

const ROUNDS = 5;

test('a process killed while it stores loses nothing that it acknowledged', {
  timeout: 120_000,
}, async (context) => {
  const store = await openTestStore(context);
  const acknowledged = new Map<string, string>();
  for (let round = 0; round < ROUNDS; round += 1) {
    // Another number of acknowledged puts in each round: another moment.
    await killAfter(store.root, round, 20 + round * 37, acknowledged);
    const bucket = new Bucket(await store.reopen());
    const keys = await listKeys(bucket, '');
    assert.equal(new Set(keys).size, keys.length);
    for (const key of acknowledged.keys()) assert.ok(keys.includes(key), `${key} was acknowledged`);
    for (const key of keys) {
      const { info, body } = await bucket.get(key, {});
      const digest = sha256(await collectBytes(body, 4 * MIB));
      // What was stored but not acknowledged may be there, but then whole.
      assert.equal(digest, info.metadata.content_hash, `${key} is whole`);
      if (acknowledged.has(key)) assert.equal(digest, acknowledged.get(key));
    }
  }
  assert.ok(acknowledged.size >= ROUNDS * 20);
});

/** Lets a process store objects and kills it after so many acknowledgements, in the middle of the others. */
async function killAfter(
  root: string,
  round: number,
  count: number,
  acknowledged: Map<string, string>,
): Promise<void> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'crash-writer.ts'), root, `${round}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  let seen = 0;
  for await (const line of createInterface(child.stdout)) {
    const [key = '', digest = ''] = line.split(' ');
    acknowledged.set(key, digest);
    seen += 1;
    if (seen === count) child.kill('SIGKILL');
  }
  const [, signal] = (await exited) as [number | null, string | null];
  assert.equal(signal, 'SIGKILL');
}
