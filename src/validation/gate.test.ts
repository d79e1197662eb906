import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { describe, test } from 'node:test';
import { isStowageError } from '../core/errors.ts';
import { brokenRule } from './refusal.ts';
import { claimOf, inChunks, type Outcome, sendThrough } from './samples/admission.ts';
import { SAMPLES } from './samples/index.ts';
import type { Sample } from './samples/sample.ts';

/** Large samples are not sent byte by byte: that only takes time. */
const SMALL_BYTES_MAX = 20_000;

const seed = Number(process.env.STOWAGE_TEST_SEED ?? randomInt(1, 2 ** 31));

/** How samples are cut: the verdict must be the same every time. `STOWAGE_TEST_CUTS=1` leaves only the first way. */
const ALL_CUTS: readonly { name: string; nextBytes: () => number; bytesMax: number }[] = [
  { name: 'at once', nextBytes: () => Number.MAX_SAFE_INTEGER, bytesMax: Number.POSITIVE_INFINITY },
  { name: 'in 64 KiB', nextBytes: () => 65_536, bytesMax: Number.POSITIVE_INFINITY },
  { name: 'in random pieces', nextBytes: randomPieces(seed), bytesMax: 2_000_000 },
  { name: 'in 7 bytes', nextBytes: () => 7, bytesMax: 200_000 },
  { name: 'byte by byte', nextBytes: () => 1, bytesMax: SMALL_BYTES_MAX },
];
const CUTS = ALL_CUTS.slice(0, Number(process.env.STOWAGE_TEST_CUTS ?? ALL_CUTS.length));
assert.ok(CUTS.length > 0, 'STOWAGE_TEST_CUTS is a number from 1 on');

/** Rules of inspectors that the first bytes often answer before them; the inspectors' own test holds them. */
const LATER_RULES: ReadonlySet<string> = new Set(['pdf.no_header', 'zip.no_header', 'ooxml.wrong_kind']);

describe(`the gate's verdict on ${SAMPLES.length} samples (STOWAGE_TEST_SEED=${seed})`, () => {
  for (const sample of SAMPLES) {
    const outcome = sample.expect === 'accepted' ? 'is accepted' : `is refused as ${sample.expect}`;
    test(`${sample.title} ${outcome}`, async () => {
      const bytes = sample.bytes();
      for (const { name, nextBytes, bytesMax } of CUTS) {
        if (bytes.length > bytesMax) continue;
        const seen = await sendThrough(inChunks(bytes, nextBytes), claimOf(sample));
        assertOutcome(seen, sample, bytes, name);
      }
    });
  }

  test('every sample has a title of its own', () => {
    const titles = SAMPLES.map(({ title, filename }) => `${title} (${filename})`);
    assert.deepEqual(
      titles.filter((title, index) => titles.indexOf(title) !== index),
      [],
    );
  });

  test('there are three hundred samples, and a hundred of them pass', () => {
    assert.ok(SAMPLES.length >= 300, `${SAMPLES.length} samples`);
    assert.ok(SAMPLES.filter(({ expect }) => expect === 'accepted').length >= 100);
  });
});

function assertOutcome(seen: Outcome, sample: Sample, bytes: Buffer, cut: string): void {
  if ('error' in seen) {
    assert.ok(
      isStowageError(seen.error),
      `${cut}: ${seen.error instanceof Error ? seen.error.stack : seen.error}`,
    );
    const told = `${cut}: ${seen.error.message} (${brokenRule(seen.error)})`;
    if (LATER_RULES.has(sample.rule ?? '') && brokenRule(seen.error)?.startsWith('content.')) return;
    assert.equal(seen.error.code, sample.expect, told);
    if (sample.rule !== undefined) assert.equal(brokenRule(seen.error), sample.rule, told);
    assert.match(seen.error.message, /^[A-Z].*\.$/s, 'a message is a full sentence');
    return;
  }
  assert.equal('accepted', sample.expect, cut);
  assert.equal(seen.verdict.mediaType, sample.mediaType);
  assert.equal(seen.verdict.sizeBytes, bytes.length);
  assert.ok(seen.passed.equals(bytes), 'the bytes pass unchanged');
}

/** Piece sizes from one byte to 10,000, small ones as often as large ones. */
function randomPieces(startSeed: number): () => number {
  let state = startSeed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return 1 + Math.floor(10_000 ** (state / 2 ** 32) - 1);
  };
}
