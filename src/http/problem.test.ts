import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StowageError } from '../core/errors.ts';
import { problemOf } from './problem.ts';

test('a failure that knows when to ask again says so in Retry-After, whatever its status', () => {
  const running = new StowageError('conflict', 'Still running.', { fields: { retry_after_seconds: 7 } });
  const { status, headers } = problemOf(running, 'r1');
  assert.deepEqual([status, headers['retry-after']], [409, '7']);
  assert.equal(problemOf(new StowageError('conflict', 'Another.'), 'r1').headers['retry-after'], undefined);
  assert.ok(Number(problemOf(new StowageError('storage_unavailable', 'Down.'), 'r1').headers['retry-after']));
});
