import assert from 'node:assert/strict';
import { test } from 'node:test';
import { signedWriteOf } from './signed-write-of.ts';

test('clients write to S3 by a form post, and by a PUT where the store takes no posts', () => {
  assert.equal(signedWriteOf(null), 'post');
  for (const post of [
    'http://127.0.0.1:9000',
    'https://s3.eu-west-1.amazonaws.com',
    'https://r2.example.org',
  ])
    assert.equal(signedWriteOf(post), 'post', post);
  for (const put of ['https://acc.r2.cloudflarestorage.com', 'https://s3.us-west-004.backblazeb2.com'])
    assert.equal(signedWriteOf(put), 'put', put);
});
