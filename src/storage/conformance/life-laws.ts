import assert from 'node:assert/strict';
import { isStowageError } from '../../core/errors.ts';
import type { Laws } from './law.ts';
import { CREATE, chunks, readOptions, refuses, writeOptions } from './material.ts';

export const LIFE_LAWS: Laws = {
  'a store that answers passes its check': async ({ bucket }) => {
    await bucket.check({});
  },

  'a check whose signal has fired already does not begin': async ({ bucket }) => {
    await refuses('aborted', bucket.check({ signal: AbortSignal.abort() }));
  },

  'capabilities are consistent': async ({ backend }) => {
    const { capabilities } = backend;
    assert.ok(capabilities.partBytesMin <= capabilities.partBytesMax);
    assert.ok(capabilities.singlePutBytesMax > 0);
    assert.ok(capabilities.signedUrlSecondsMax >= 7 * 24 * 3600);
    assert.ok(!capabilities.signedParts || capabilities.multipart);
  },

  'a closed store refuses every call': async ({ bucket, base, backend }) => {
    const { signedWrite, multipart } = backend.capabilities;
    await bucket.close();
    const calls = [
      bucket.put(`${base}a`, chunks('x'), CREATE),
      bucket.get(`${base}a`, {}),
      bucket.head(`${base}a`, {}),
      bucket.delete(`${base}a`, {}),
      bucket.deleteMany([`${base}a`], {}),
      bucket.copy(`${base}a`, `${base}b`, CREATE),
      bucket.list({ prefix: base, cursor: null, limit: 1 }),
      bucket.signRead(`${base}a`, readOptions()),
      bucket.check({}),
      ...(signedWrite === 'none' ? [] : [bucket.signWrite(`${base}a`, writeOptions(1))]),
      ...(multipart ? [bucket.beginMultipart(`${base}a`, CREATE)] : []),
    ];
    for (const outcome of await Promise.allSettled(calls)) {
      assert.ok(outcome.status === 'rejected' && isStowageError(outcome.reason));
    }
  },
};
