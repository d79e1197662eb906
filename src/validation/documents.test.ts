import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { describe, it, test } from 'node:test';
import fc from 'fast-check';
import { collectBytes, GIB, streamOf } from '../core/bytes.ts';
import { isStowageError } from '../core/errors.ts';
import { admit } from './admit.ts';
import { ooxmlInspector } from './formats/ooxml.ts';
import { pdfInspector } from './formats/pdf.ts';
import { zipInspector } from './formats/zip.ts';
import { ArchiveBudget } from './formats/zip-limits.ts';
import type { InspectionContext, InspectorFactory } from './gate.ts';
import { brokenRule } from './refusal.ts';
import { OOXML_SAMPLES } from './samples/ooxml.ts';
import { PDF_SAMPLES } from './samples/pdf.ts';
import type { Sample } from './samples/sample.ts';
import { ZIP_SAMPLES, zipBomb } from './samples/zip.ts';

const LISTS: readonly (readonly [name: string, open: InspectorFactory, samples: readonly Sample[]])[] = [
  ['ZIP archives', zipInspector, ZIP_SAMPLES],
  ['Office documents', ooxmlInspector, OOXML_SAMPLES],
  ['PDF documents', pdfInspector, PDF_SAMPLES],
];

/** The rule that refuses the bytes, `accepted`, or what else was thrown. */
async function judge(
  open: InspectorFactory,
  sample: Sample,
  bytes: Buffer,
  sizes: Iterator<number>,
): Promise<unknown> {
  const inspector = open(contextOf(sample));
  try {
    for (let at = 0; at < bytes.byteLength; ) {
      const chunkBytes = sizes.next().value ?? 65_536;
      // Memory of its own, spoiled afterwards: an inspector that keeps a view of it is found out.
      const chunk = Buffer.from(bytes.subarray(at, at + chunkBytes));
      await inspector.push(chunk);
      chunk.fill(0x41);
      at += chunkBytes;
    }
    await inspector.finish();
    return 'accepted';
  } catch (error) {
    return brokenRule(error) ?? error;
  } finally {
    inspector.close();
  }
}

function contextOf({ mediaType, filename }: Sample): InspectionContext {
  const extension = filename.split('.').at(-1) ?? '';
  const assetType = {
    name: 'test',
    accepts: { [mediaType]: [extension] },
    fileBytesMax: 1e9,
    keyTemplate: '{uuid8}',
    cacheControl: 'no-cache',
    unusedDaysMax: null,
    filesPerRequestMax: 1,
    visibility: 'private',
  } as const;
  return { mediaType, extension, assetType };
}

function* always(size: number): Generator<number> {
  for (;;) yield size;
}

/** Sizes that look random and are the same each time (the generator of Park and Miller). */
function* scattered(seed: number): Generator<number> {
  for (let state = seed; ; ) {
    state = (state * 48_271) % 2_147_483_647;
    yield 1 + (state % 997);
  }
}

for (const [name, open, samples] of LISTS) {
  describe(name, () => {
    for (const sample of samples) {
      // Rules of the whole gate are tested with the gate.
      if (sample.rule?.startsWith('content.')) continue;
      const verdict = sample.rule ?? 'accepted';
      it(`${sample.title} → ${verdict}`, async () => {
        const bytes = sample.bytes();
        assert.equal(await judge(open, sample, bytes, always(65_536)), verdict);
        assert.equal(await judge(open, sample, bytes, scattered(bytes.byteLength + 1)), verdict);
        if (bytes.byteLength > 20_000) return;
        assert.equal(await judge(open, sample, bytes, always(7)), verdict);
        assert.equal(await judge(open, sample, bytes, always(1)), verdict);
      });
    }

    it('survives any damage to a valid file', async () => {
      const valid = samples
        .filter(({ expect }) => expect === 'accepted')
        .map((sample) => [sample, sample.bytes()] as const);
      const damage = fc.record({
        sample: fc.nat(valid.length - 1),
        edits: fc.array(
          fc.tuple(
            fc.double({ min: 0, max: 1, noNaN: true }),
            fc.nat(3),
            fc.uint8Array({ minLength: 1, maxLength: 8 }),
          ),
          { minLength: 1, maxLength: 4 },
        ),
        chunkBytes: fc.integer({ min: 1, max: 400 }),
      });
      await fc.assert(
        fc.asyncProperty(damage, async ({ sample, edits, chunkBytes }) => {
          const [template, original] = valid[sample] ?? assert.fail();
          const bytes = edits.reduce(
            (before, [place, kind, insert]) => edit(before, place, kind, insert),
            original,
          );
          const outcome = await judge(open, template, bytes, always(chunkBytes));
          assert.equal(typeof outcome, 'string', `not a refusal: ${String(outcome)}`);
          assert.equal(await judge(open, template, bytes, always(65_536)), outcome);
        }),
        { numRuns: 300, verbose: 1 },
      );
    });
  });
}

/** Overwrites, inserts, removes or repeats some bytes. */
function edit(bytes: Buffer, place: number, kind: number, insert: Uint8Array): Buffer {
  const at = Math.floor(place * bytes.byteLength);
  const before = bytes.subarray(0, at);
  if (kind === 0) return Buffer.concat([before, insert, bytes.subarray(at + insert.byteLength)]);
  if (kind === 1) return Buffer.concat([before, insert, bytes.subarray(at)]);
  if (kind === 2) return Buffer.concat([before, bytes.subarray(at + insert.byteLength * 9)]);
  return Buffer.concat([before, bytes.subarray(Math.max(0, at - insert.byteLength * 9))]);
}

/** What came of the file at the gate: `accepted`, the code of its refusal, or what else was thrown. */
async function sendThroughGate(sample: Sample, bytes: Buffer): Promise<unknown> {
  const claim = { filename: sample.filename, mediaType: sample.declared, sizeBytes: null, sha256: null };
  try {
    const { body, mediaType } = await admit(streamOf(bytes), claim, contextOf(sample).assetType);
    assert.equal(mediaType, sample.mediaType);
    assert.ok((await collectBytes(body, bytes.byteLength)).equals(bytes));
    return 'accepted';
  } catch (error) {
    return isStowageError(error) ? error.code : error;
  }
}

describe('at the gate', () => {
  for (const [name, , samples] of LISTS) {
    it(`${name} are accepted, or refused with the code that the sample names`, async () => {
      for (const sample of samples) {
        assert.equal(await sendThroughGate(sample, sample.bytes()), sample.expect, sample.title);
      }
    });
  }
});

describe('the rules for documents', () => {
  const rules = new Set(
    globSync('formats/{zip,ooxml,pdf}*.ts', { cwd: import.meta.dirname })
      .filter((file) => !file.endsWith('.test.ts'))
      .flatMap(
        (file) =>
          readFileSync(new URL(file, import.meta.url), 'utf8').match(
            /(?<=')(?:zip|ooxml|pdf)\.[a-z0-9_]+(?=')/g,
          ) ?? [],
      ),
  );

  it('each refuse a sample', () => {
    const hit = new Set(LISTS.flatMap(([, , samples]) => samples.map(({ rule }) => rule)));
    assert.deepEqual(
      [...rules].filter((rule) => !hit.has(rule)),
      [],
    );
    assert.ok(rules.size > 60);
  });

  it('are the ones that the reference lists', () => {
    const page = readFileSync(
      new URL('../../docs/reference/validation-documents.md', import.meta.url),
      'utf8',
    );
    const listed = new Set(page.match(/(?<=`)(?:zip|ooxml|pdf)\.[a-z0-9_]+(?=`)/g));
    assert.deepEqual([...listed].sort(), [...rules].sort());
  });

  it('have samples with titles of their own', () => {
    for (const [, , samples] of LISTS)
      assert.equal(new Set(samples.map(({ title }) => title)).size, samples.length);
  });
});

test('what all archives of a file unpack to is counted together, to 10 GiB', () => {
  const budget = new ArchiveBudget();
  budget.addExpanded(6 * GIB);
  budget.addExpanded(4 * GIB);
  assert.throws(
    () => budget.addExpanded(1),
    (error) => brokenRule(error) === 'zip.expands_too_far',
  );
});

describe('memory', () => {
  it('stays flat while a bomb of a gigabyte goes off', async () => {
    const sample = ZIP_SAMPLES[0] ?? assert.fail();
    const bytes = zipBomb(1024);
    const before = process.memoryUsage().rss;
    assert.equal(await judge(zipInspector, sample, bytes, always(65_536)), 'zip.bomb');
    assert.ok(process.memoryUsage().rss - before < 64 * 1024 * 1024);
  });

  it('is given back when a file is given up', async () => {
    const inspector = zipInspector(contextOf(ZIP_SAMPLES[0] ?? assert.fail()));
    await inspector.push(zipBomb(4).subarray(0, 900));
    inspector.close();
    await assert.rejects(
      async () => inspector.finish(),
      (error) => !isStowageError(error),
    );
  });
});
