import assert from 'node:assert/strict';
import { rm, truncate, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import fc from 'fast-check';
import { Bucket } from '../bucket.ts';
import { CREATE, chunks, listKeys, REPLACE, readText, refuses } from '../conformance/material.ts';
import type { LocalBackend } from './options.ts';
import { cutPower, openTestStore } from './test-store.ts';

const KEYS = ['a', 'b', 'c', 'd'];

/** One step; `by` says which of two stores on the same directory takes it. */
type Step = { readonly by: 0 | 1; readonly key: string; readonly seed: number } & (
  | { readonly does: 'create' | 'createLarge' | 'replace' | 'delete' | 'copy' }
  | { readonly does: 'checkpoint' | 'close' | 'cut' }
);

const step: fc.Arbitrary<Step> = fc.record({
  does: fc.oneof(
    { weight: 6, arbitrary: fc.constant('create' as const) },
    { weight: 4, arbitrary: fc.constantFrom('delete' as const, 'replace' as const) },
    { weight: 1, arbitrary: fc.constantFrom('createLarge' as const, 'copy' as const, 'checkpoint' as const) },
    { weight: 1, arbitrary: fc.constantFrom('close' as const, 'cut' as const) },
  ),
  by: fc.constantFrom(0 as const, 1 as const),
  key: fc.constantFrom(...KEYS),
  seed: fc.nat(1_000_000),
});

test('whatever is put, replaced, copied and deleted, a power cut loses and revives nothing', {
  timeout: 120_000,
}, async (context) => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 20 }), async (steps) => {
      const first = await openTestStore(context, { journalBytesMax: 2000 });
      const world = new World(first.root, [first.backend, await first.reopen()]);
      for (const each of steps) await world.take(each, context);
      await world.take({ does: 'cut', by: 0, key: 'a', seed: steps.length }, context);
      for (const backend of world.backends) await backend.close();
    }),
    { numRuns: 30 },
  );
});

class World {
  root: string;
  backends: LocalBackend[];
  /** What must be there. */
  readonly #texts = new Map<string, string>();
  /** Keys whose file a power cut may lose, with the store whose journal has them. */
  readonly #loose = new Map<string, 0 | 1>();

  constructor(root: string, backends: LocalBackend[]) {
    this.root = root;
    this.backends = backends;
  }

  async take(step: Step, context: Parameters<typeof cutPower>[0]): Promise<void> {
    const { by, key, seed, does } = step;
    const backend = this.backends[by];
    assert.ok(backend !== undefined);
    const bucket = new Bucket(backend);
    const text = does === 'createLarge' ? `${seed}`.padEnd(70_000, 'x') : `${seed}`.padEnd(5000, 'y');
    if (does === 'create' || does === 'createLarge') {
      const put = bucket.put(key, chunks(text), CREATE);
      if (this.#texts.has(key)) return refuses('object_exists', put);
      await put;
      this.#texts.set(key, text);
      if (does === 'create') this.#loose.set(key, by);
    } else if (does === 'replace') {
      await bucket.put(key, chunks(text), REPLACE);
      this.#texts.set(key, text);
      this.#loose.delete(key);
    } else if (does === 'copy') {
      const source = this.#texts.get(key);
      const target = KEYS[seed % KEYS.length] ?? 'a';
      if (source === undefined || this.#texts.has(target)) return;
      await bucket.copy(key, target, CREATE);
      this.#texts.set(target, source);
    } else if (does === 'delete') {
      await bucket.delete(key, {});
      this.#texts.delete(key);
      this.#loose.delete(key);
    } else if (does === 'cut') await this.#cut(seed, context);
    else {
      for (const [other, owner] of this.#loose) if (owner === by) this.#loose.delete(other);
      if (does === 'checkpoint') await backend.checkpoint();
      else await backend.close();
      if (does === 'close') this.backends[by] = await this.#open(backend);
    }
  }

  async #open(_closed: LocalBackend): Promise<LocalBackend> {
    const { openLocalBackend } = await import('./backend.ts');
    return openLocalBackend({
      root: this.root,
      publicUrl: 'http://127.0.0.1',
      signingSecrets: ['a secret of the tests, 32 bytes +'],
      freeBytesMin: 0,
      journalBytesMax: 2000,
    });
  }

  /** Cuts the power: each file that only a journal has is missing, empty, cut or zeroed, or whole after all. */
  async #cut(seed: number, context: Parameters<typeof cutPower>[0]): Promise<void> {
    const old = this.backends;
    const after = await cutPower(context, this, [], async (pathOf) => {
      for (const [index, key] of [...this.#loose.keys()].entries()) {
        const path = pathOf(key);
        const damage = (seed + index) % 5;
        if (damage === 0) await rm(path);
        else if (damage === 1) await truncate(path, 0);
        else if (damage === 2) await truncate(path, 4096);
        else if (damage === 3) await writeFile(path, Buffer.alloc(4096), { flag: 'r+' });
      }
    });
    this.#loose.clear();
    this.root = after.root;
    const bucket = new Bucket(after);
    assert.deepEqual((await listKeys(bucket, '')).sort(), [...this.#texts.keys()].sort());
    for (const [key, text] of this.#texts) assert.equal(await readText(bucket, key), text);
    for (const backend of old) await backend.close();
    this.backends = [after, await this.#open(after)];
  }
}
