import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isStowageError } from './errors.ts';
import { HOSTILE_KEYS, ODD_KEYS } from './hostile-keys.ts';
import { parseObjectKey } from './key.ts';

for (const { key, why } of HOSTILE_KEYS) {
  test(`a hostile key is refused: ${why}`, () => {
    assert.throws(
      () => parseObjectKey(key),
      (error) => isStowageError(error, 'invalid_key'),
    );
  });
}

for (const { key, why } of ODD_KEYS) {
  test(`an odd key is taken as it is: ${why}`, () => {
    assert.equal(parseObjectKey(key), key);
  });
}
