import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { ERROR_TRAITS, type ErrorTraits } from '../../src/core/errors.ts';
import { ROOT } from './source-text.ts';

const traits: readonly (readonly [string, ErrorTraits])[] = Object.entries(ERROR_TRAITS);

test('docs/reference/errors.md lists exactly the codes that clients see, with their status and title', () => {
  const text = readFileSync(path.join(ROOT, 'docs/reference/errors.md'), 'utf8');
  const documented = [...text.matchAll(/^\| `(\w+)` \| (\d{3}) \| ([^|]+) \| (yes|no) \|/gm)].map(
    ([, code, status, title, retry]) => `${code} ${status} ${title?.trim()} ${retry}`,
  );
  const declared = traits
    .filter(([, each]) => each.publicCode === undefined)
    .map(([code, each]) => `${code} ${each.httpStatus} ${each.title} ${each.retryable ? 'yes' : 'no'}`);
  assert.deepEqual(documented.toSorted(), declared.toSorted());
});

test('codes that never leave the server name one that does, with the same title', () => {
  for (const [code, { publicCode, title, httpStatus }] of traits) {
    if (publicCode === undefined || code === 'aborted') continue;
    const shown = traits.find(([name]) => name === publicCode)?.[1];
    assert.ok(shown !== undefined && shown.publicCode === undefined, `${code} → ${publicCode}`);
    assert.equal(title, shown.title, code);
    assert.equal(httpStatus, shown.httpStatus, code);
  }
});
