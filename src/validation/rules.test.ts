import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { brokenRule } from './refusal.ts';
import { claimOf, inChunks, sendThrough } from './samples/admission.ts';
import { SAMPLES } from './samples/index.ts';

/** Announced sizes and digests are no part of a sample; `admit.test.ts` breaks these rules. */
const RULES_OF_CLAIMS =
  /^(?:digest\.(?:differs|malformed)|size\.(?:announced_over_limit|over_limit|malformed|more_than_announced|fewer_than_announced))$/;

const DOCUMENT_FORMATS = /^(?:pdf|zip|ooxml)\./;

const PREFIX = '(?:name|declared|content|size|digest|image|boxes|jpeg|png|gif|webp|heif|mp4|tiff|text|xml)';

/** The rules that the sources name: `<prefix>.<what is wrong>` in quotes. */
function rulesInSources(): string[] {
  const files = globSync('src/validation/**/*.ts').filter((path) => !/samples|\.test\.ts$/.test(path));
  const names = files.flatMap((path) => [
    ...readFileSync(path, 'utf8').matchAll(new RegExp(`'(${PREFIX}\\.[a-z0-9_]+)'`, 'g')),
  ]);
  return [...new Set(names.map(([, rule]) => rule ?? ''))].sort();
}

describe('the rules of the gate', () => {
  test('each is what refuses at least one sample, so none can be removed unnoticed', async () => {
    const broken = new Set<string>();
    for (const sample of SAMPLES) {
      if (sample.expect === 'accepted' || DOCUMENT_FORMATS.test(sample.rule ?? '')) continue;
      const outcome = await sendThrough(
        inChunks(sample.bytes(), () => 65_536),
        claimOf(sample),
      );
      const rule = 'error' in outcome ? brokenRule(outcome.error) : undefined;
      if (rule !== undefined && rule === sample.rule) broken.add(rule);
    }
    const expected = rulesInSources().filter((rule) => !RULES_OF_CLAIMS.test(rule));
    assert.ok(expected.length > 80, 'the rules are found in the sources');
    assert.deepEqual([...broken].sort(), expected);
  });

  test('each is explained in the reference, which names no others', () => {
    const page = readFileSync('docs/reference/validation.md', 'utf8');
    const named = new Set(
      [...page.matchAll(new RegExp(`\`(${PREFIX}\\.[a-z0-9_]+)\``, 'g'))].map(([, rule]) => rule ?? ''),
    );
    assert.deepEqual([...named].sort(), rulesInSources());
  });
});
