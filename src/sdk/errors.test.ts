import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { errorOfAnswer, errorOfStore, StowageClientError, withUpload } from './errors.ts';
import { firstState } from './upload-state.ts';

const answer = (status: number, text: string, headers: Readonly<Record<string, string>> = {}) => ({
  ...{ status, text, header: (name: string) => headers[name] ?? null },
});

describe('an error of the client', () => {
  it('has what the problem document says', () => {
    const problem = {
      ...{
        code: 'file_too_large',
        detail: 'Too large.',
        limit_bytes: 5,
        filename: 'a.png',
        extension: 'png',
      },
      ...{ declared: 'image/png', detected: 'image/gif', parameter: 'files' },
    };
    const error = errorOfAnswer(answer(413, JSON.stringify(problem), { 'x-request-id': 'r-1' }));
    const {
      code,
      message,
      status,
      requestId,
      limitBytes,
      filename,
      extension,
      declared,
      detected,
      parameter,
    } = error;
    assert.deepEqual(
      [code, message, status, requestId, limitBytes, filename, extension, declared, detected, parameter],
      ['file_too_large', 'Too large.', 413, 'r-1', 5, 'a.png', 'png', 'image/png', 'image/gif', 'files'],
    );
    assert.equal(error.isRetryable, false);
  });

  it('keeps all of it when it gets the upload to go on with', () => {
    const problem = { code: 'storage_unavailable', detail: 'Down.', filename: 'a.png', limit_bytes: 7 };
    const error = errorOfAnswer(answer(503, JSON.stringify(problem), { 'retry-after': '5' }));
    const upload = firstState(
      { upload_id: 'u', method: 'put', expires_at: '', size_enforced_by: 'store', url: 'https://s.example' },
      { filename: 'a', assetType: 'b', sizeBytes: 1, sample: null },
    );
    const { stack: _, ...facts } = withUpload(error, upload) as StowageClientError;
    const { stack: __, ...before } = error;
    assert.deepEqual({ ...facts, cause: undefined }, { ...before, cause: undefined, upload });
    const foreign = new Error('not ours');
    assert.equal(withUpload(foreign, upload), foreign);
  });

  it('is worth another try when the answer says when, or a gateway answered', () => {
    const isRetryable = (status: number, headers = {}) =>
      errorOfAnswer(answer(status, '', headers)).isRetryable;
    for (const status of [408, 502, 503, 504]) assert.ok(isRetryable(status), `${status}`);
    for (const status of [400, 401, 404, 409, 413, 500]) assert.ok(!isRetryable(status), `${status}`);
    assert.ok(isRetryable(409, { 'retry-after': '1' }));
    assert.ok(!isRetryable(409, { 'retry-after': 'Wed, 21 Oct 2026 07:28:00 GMT' }));
  });

  it('of a store has a code of its own, unless the store is the service', () => {
    assert.equal(errorOfStore(answer(403, '<Error><Code>AccessDenied</Code></Error>')).code, 'store_refused');
    assert.equal(errorOfStore(answer(410, '{"code":"expired"}')).code, 'expired');
    assert.ok(errorOfStore(answer(500, '<Error/>')).isRetryable);
    assert.ok(!errorOfStore(answer(403, '<Error/>')).isRetryable);
  });

  it('is unexpected when the answer is not of the service', () => {
    for (const text of ['', '<h1>Bad gateway</h1>', '[]', 'null', '"text"', '{"code":7}']) {
      const error = errorOfAnswer(answer(502, text));
      assert.ok(error instanceof StowageClientError);
      assert.deepEqual([error.code, error.status], ['unexpected_answer', 502]);
    }
  });
});
