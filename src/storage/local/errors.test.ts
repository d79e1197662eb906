import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isStowageError } from '../../core/errors.ts';
import { toStowageError } from './errors.ts';

test('what the system says is told by its cause', () => {
  const codes: Readonly<Record<string, string>> = {
    ENOENT: 'object_not_found',
    EEXIST: 'object_exists',
    EACCES: 'storage_denied',
    EPERM: 'storage_denied',
    EROFS: 'storage_denied',
    ELOOP: 'storage_denied',
    ENOSPC: 'storage_unavailable',
    EDQUOT: 'storage_unavailable',
    EIO: 'storage_unavailable',
    EMFILE: 'storage_unavailable',
  };
  for (const [code, expected] of Object.entries(codes)) {
    const original = Object.assign(new Error(`${code}: open '/secret/place'`), { code });
    const error = toStowageError(original);
    assert.ok(isStowageError(error));
    assert.equal(error.code, expected);
    assert.equal(error.cause, original);
    assert.ok(!error.message.includes('secret'));
  }
});
