import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { canonical, differencesOf } from './json.ts';
import { lifecycleJson } from './s3/lifecycle.ts';
import { policyJson } from './s3/policy.ts';

describe('differences', () => {
  test('are named by their place, and equal values have none', () => {
    assert.deepEqual(differencesOf({ a: 1, b: [1, 2] }, { b: [1, 2], a: 1 }), []);
    assert.deepEqual(differencesOf({ a: { b: 1, c: 2 } }, { a: { b: 1, c: 3 } }), [
      { path: 'a.c', current: 2, desired: 3 },
    ]);
    assert.deepEqual(differencesOf({ more: 1 }, {}), [{ path: 'more', current: 1, desired: undefined }]);
    assert.deepEqual(differencesOf([{ a: 1, b: 2 }], [{ a: 1, b: 3 }]), [
      { path: '1.b', current: 2, desired: 3 },
    ]);
    assert.equal(differencesOf([{ a: 1 }], [{ a: 1 }, { a: 2 }])[0]?.path, '');
    assert.deepEqual(differencesOf(undefined, 'x'), [{ path: '', current: undefined, desired: 'x' }]);
    assert.equal(canonical({ b: 1, a: null }), '{"a":null,"b":1}');
  });

  test('of policies are of what they say: order, lists of one and spellings of anyone are none', () => {
    const left = { Statement: [{ Sid: 'A', Principal: '*', Action: ['x', 'y'], Resource: 'r' }] };
    const right = { Statement: { Resource: ['r'], Action: ['y', 'x'], Principal: { AWS: ['*'] }, Sid: 'A' } };
    assert.deepEqual(differencesOf(policyJson(left), policyJson(JSON.stringify(right))), []);
    const other = { Statement: [{ ...left.Statement[0], Action: ['x'] }] };
    assert.equal(differencesOf(policyJson(left), policyJson(other)).length, 1);
  });

  test('of lifecycle rules are of what they do', () => {
    const days = { NoncurrentVersionExpiration: { NoncurrentDays: 3 } };
    const rule = { ID: 'a', Status: 'Enabled', ...days } as const;
    assert.deepEqual(
      differencesOf(
        lifecycleJson([{ ...rule, Prefix: '' }]),
        lifecycleJson([{ ...rule, Filter: { Prefix: '' } }]),
      ),
      [],
    );
    assert.equal(
      differencesOf(lifecycleJson([rule]), lifecycleJson([{ ...rule, Status: 'Disabled' }])).length,
      1,
    );
    // A rule that only counts for some objects is another rule.
    const tagged = { ...rule, Filter: { Tag: { Key: 'k', Value: 'v' } } };
    assert.equal(differencesOf(lifecycleJson([rule]), lifecycleJson([tagged])).length, 1);
  });
});
