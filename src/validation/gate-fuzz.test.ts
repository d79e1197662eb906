import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { isStowageError } from '../core/errors.ts';
import { brokenRule } from './refusal.ts';
import { claimOf, inChunks, type Outcome, sendThrough } from './samples/admission.ts';
import { SAMPLES } from './samples/index.ts';

const seed = Number(process.env.STOWAGE_TEST_SEED ?? randomInt(1, 2 ** 31));
const BYTES_MAX = 20_000;
const RUNS = 4000;

const VALID = SAMPLES.filter(({ expect }) => expect === 'accepted')
  .map((sample) => ({ sample, bytes: sample.bytes() }))
  .filter(({ bytes }) => bytes.length <= BYTES_MAX);

/** One damage, at places between 0 and 1 of the file. */
type Damage =
  | { readonly kind: 'set'; readonly at: number; readonly value: number }
  | { readonly kind: 'cut' | 'drop' | 'double'; readonly at: number; readonly to: number };

const place = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
const interesting = fc.constantFrom(0, 1, 0x20, 0x3c, 0x7f, 0x80, 0xfe, 0xff);
const damage: fc.Arbitrary<Damage> = fc.oneof(
  fc.record({ kind: fc.constant('set' as const), at: place, value: fc.oneof(interesting, fc.nat(255)) }),
  fc.record({ kind: fc.constantFrom('cut', 'drop', 'double'), at: place, to: place }),
);

function applyDamage(bytes: Buffer, change: Damage): Buffer {
  const at = Math.floor(change.at * bytes.length);
  if (change.kind === 'set') {
    const copy = Buffer.from(bytes);
    if (copy.length > 0) copy[at] = change.value;
    return copy;
  }
  const to = Math.min(bytes.length, at + Math.floor(change.to * 64) + 1);
  if (change.kind === 'cut') return bytes.subarray(0, at);
  if (change.kind === 'drop') return Buffer.concat([bytes.subarray(0, at), bytes.subarray(to)]);
  return Buffer.concat([bytes.subarray(0, to), bytes.subarray(at)]);
}

describe(`damaged files (STOWAGE_TEST_SEED=${seed})`, () => {
  test('are accepted or refused with a rule, and the same way however they are cut', async () => {
    const property = fc.asyncProperty(
      fc.constantFrom(...VALID),
      fc.array(damage, { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 1, max: 300 }),
      async ({ sample, bytes }, changes, chunkBytes) => {
        const damaged = changes.reduce(applyDamage, bytes);
        const whole = await sendThrough(
          inChunks(damaged, () => BYTES_MAX * 10),
          claimOf(sample),
        );
        const cut = await sendThrough(
          inChunks(damaged, () => chunkBytes),
          claimOf(sample),
        );
        assert.equal(tell(cut), tell(whole));
      },
    );
    await fc.assert(property, { seed, numRuns: RUNS });
  });

  test('bytes of any kind behind the beginning of a real file end in a verdict', async () => {
    const property = fc.asyncProperty(
      fc.constantFrom(...VALID),
      fc.uint8Array({ minLength: 1, maxLength: 5000 }),
      fc.nat(16),
      async ({ sample, bytes }, tail, keptBytes) => {
        const file = Buffer.concat([bytes.subarray(0, keptBytes), tail]);
        tell(
          await sendThrough(
            inChunks(file, () => 1000),
            claimOf(sample, { mediaType: null }),
          ),
        );
      },
    );
    await fc.assert(property, { seed, numRuns: RUNS / 4 });
  });
});

/** What was said of a file; everything but an acceptance and a refusal by a rule is a bug. */
function tell(outcome: Outcome): string {
  if ('verdict' in outcome) return 'accepted';
  const rule = brokenRule(outcome.error);
  if (rule === undefined || !isStowageError(outcome.error)) throw outcome.error;
  return rule;
}
