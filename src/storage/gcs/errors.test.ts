import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { StowageError } from '../../core/errors.ts';
import { StoreFailure, translateFault } from '../faults.ts';
import { translateAnswer, translateIdentityFault } from './errors.ts';

function json(status: number, reason: string, message = 'provider words'): StowageError {
  return translateAnswer(
    status,
    JSON.stringify({ error: { code: status, message, errors: [{ reason, message }] } }),
  );
}

function xml(status: number, code: string): StowageError {
  return translateAnswer(
    status,
    `<?xml version='1.0'?><Error><Code>${code}</Code><Message>provider</Message></Error>`,
  );
}

describe('answers of the store', () => {
  test('are told apart by cause: missing, denied, broken, busy', () => {
    const cases: readonly (readonly [StowageError, string])[] = [
      [json(404, 'notFound', 'No such object: b/k'), 'object_not_found'],
      [json(404, 'notFound', 'The specified bucket does not exist.'), 'storage_denied'],
      [xml(404, 'NoSuchKey'), 'object_not_found'],
      [xml(404, 'NoSuchBucket'), 'storage_denied'],
      [json(412, 'conditionNotMet'), 'object_exists'],
      [json(416, 'requestedRangeNotSatisfiable'), 'range_not_satisfiable'],
      [xml(416, 'InvalidRange'), 'range_not_satisfiable'],
      [json(401, 'authError'), 'storage_denied'],
      [json(403, 'forbidden'), 'storage_denied'],
      [json(403, 'rateLimitExceeded'), 'storage_unavailable'],
      [json(429, 'rateLimitExceeded'), 'storage_unavailable'],
      [json(408, 'uploadBrokenConnection'), 'storage_slow'],
      [json(500, 'internalError'), 'storage_unavailable'],
      [json(503, 'backendError'), 'storage_unavailable'],
      [xml(503, 'ServiceUnavailable'), 'storage_unavailable'],
      [json(400, 'invalid', "Provided MD5 hash doesn't match calculated MD5 hash"), 'digest_mismatch'],
      [xml(400, 'BadDigest'), 'digest_mismatch'],
      [xml(400, 'InvalidPart'), 'conflict'],
      [json(400, 'invalid'), 'storage_denied'],
      [translateAnswer(502, '<html>Bad Gateway</html>'), 'storage_unavailable'],
      [translateAnswer(404, ''), 'object_not_found'],
      [translateAnswer(503, '{broken'), 'storage_unavailable'],
    ];
    for (const [error, code] of cases) assert.equal(error.code, code, String(error.cause));
  });

  test('keep the store’s words for the log and out of the message', () => {
    const error = json(403, 'forbidden', 'stowage@laws.iam.gserviceaccount.com has no access to bucket b');
    assert.ok(error.cause instanceof StoreFailure);
    assert.match(error.cause.message, /gserviceaccount/);
    assert.doesNotMatch(error.message, /google|gcs|bucket b|gserviceaccount|forbidden/i);
  });

  test('that pass tell when to come back', () => {
    assert.equal(json(503, 'backendError').fields.retry_after_seconds, 5);
  });
});

describe('faults', () => {
  test('of the network are outages, unless the signal fired', () => {
    const reset = Object.assign(new Error('reset'), { code: 'ECONNRESET' });
    assert.equal(translateFault(reset, undefined).code, 'storage_unavailable');
    assert.equal(translateFault(reset, AbortSignal.abort()).code, 'aborted');
  });

  test('of getting a token pass when the network or a busy server caused them', () => {
    const codeOf = (facts: object) => translateIdentityFault(Object.assign(new Error('x'), facts)).code;
    assert.equal(codeOf({ code: 'ENOTFOUND' }), 'storage_unavailable');
    assert.equal(codeOf({ status: 503 }), 'storage_unavailable');
    assert.equal(codeOf({ status: 400 }), 'storage_denied');
    assert.equal(codeOf({ code: 'ENOENT' }), 'storage_denied');
  });
});
