import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isStowageError } from '../core/errors.ts';
import { alreadyHas, entityTag, rangeCounts } from './conditional.ts';
import { contentDisposition, mayBeInline } from './disposition.ts';
import { signedCacheControl } from './headers.ts';
import { type DeliveryRequest, planDelivery, unsatisfiedRange } from './plan.ts';

const CONTENT = {
  mediaType: 'text/plain',
  disposition: 'attachment',
  etag: '"abc"',
  cacheControl: 'private',
  embeddable: false,
  sizeBytes: 10,
};
const request = (headers: Partial<DeliveryRequest> = {}): DeliveryRequest => ({
  method: 'GET',
  range: undefined,
  ifRange: undefined,
  ifNoneMatch: undefined,
  ...headers,
});

describe('what is answered', () => {
  test('is everything, unless asked otherwise', () => {
    const plan = planDelivery(request(), CONTENT);
    assert.equal(plan.status, 200);
    assert.deepEqual(plan.range, { first: 0, last: 9 });
    assert.equal(plan.headers['x-content-type-options'], 'nosniff');
    assert.match(String(plan.headers['content-security-policy']), /^default-src 'none'.*sandbox$/);
    assert.equal(plan.headers['content-type'], 'text/plain; charset=utf-8');
    assert.equal(plan.headers['cross-origin-resource-policy'], 'same-origin');
  });

  test('is a part when a range counts', () => {
    const plan = planDelivery(request({ range: 'bytes=2-3', ifRange: '"abc"' }), CONTENT);
    assert.equal(plan.status, 206);
    assert.equal(plan.headers['content-range'], 'bytes 2-3/10');
    assert.deepEqual(plan.range, { first: 2, last: 3 });
  });

  test('is everything when If-Range names another version, even for a range that is not there', () => {
    assert.equal(planDelivery(request({ range: 'bytes=99-', ifRange: '"old"' }), CONTENT).status, 200);
  });

  test('is nothing when the client has it, before any range', () => {
    const plan = planDelivery(request({ range: 'bytes=99-', ifNoneMatch: 'W/"abc"' }), CONTENT);
    assert.equal(plan.status, 304);
    assert.equal(plan.range, null);
    assert.equal(plan.headers['content-type'], undefined);
    assert.equal(plan.headers.etag, '"abc"');
  });

  test('to HEAD is the head of everything', () => {
    const plan = planDelivery(request({ method: 'HEAD', range: 'bytes=2-3' }), CONTENT);
    assert.equal(plan.status, 200);
    assert.equal(plan.headers['content-length'], 10);
    assert.equal(plan.range, null);
  });

  test('is a refusal when the range is not there', () => {
    assert.throws(
      () => planDelivery(request({ range: 'bytes=10-' }), CONTENT),
      (error) => isStowageError(error, 'range_not_satisfiable'),
    );
    assert.equal(unsatisfiedRange(10), 'bytes */10');
  });
});

describe('conditions', () => {
  const etag = entityTag('abc');
  for (const [header, has] of [
    [undefined, false],
    ['"abc"', true],
    ['W/"abc"', true],
    ['"x", "abc"', true],
    ['"x","y"', false],
    ['*', true],
    [' * ', true],
    ['abc', false],
    ['"ab', false],
    ['"x*"', false],
    ['"a,b", W/"abc"', true],
  ] as const) {
    test(`If-None-Match: ${header} ${has ? 'matches' : 'does not match'}`, () => {
      assert.equal(alreadyHas(header, etag), has);
    });
  }

  test('If-None-Match of thirty thousand characters is read in no time', () => {
    assert.equal(alreadyHas('W/"'.repeat(10_000), etag), false);
  });

  test('If-Range is compared strongly', () => {
    assert.ok(rangeCounts(undefined, etag));
    assert.ok(rangeCounts('"abc"', etag));
    assert.ok(!rangeCounts('W/"abc"', etag));
    assert.ok(!rangeCounts('Sat, 01 Jan 2000 00:00:00 GMT', etag));
  });
});

describe('a name', () => {
  for (const name of [
    'report.pdf',
    'отчёт 2026.pdf',
    '報告書.pdf',
    'تقرير.pdf',
    '🎉.pdf',
    'a "b" \\c.pdf',
    '50%20off.pdf',
    "it's.pdf",
    'naïve.pdf',
  ]) {
    test(`${name} comes back intact`, () => {
      const header = contentDisposition(name, 'application/pdf', 'attachment');
      assert.match(header, /^attachment; /);
      assert.doesNotMatch(header, /[^\x20-\x7e]/);
      assert.equal(nameIn(header), name);
    });
  }

  test('can’t end the header or add another', () => {
    const header = contentDisposition('a\r\nSet-Cookie: x=1', 'application/pdf', 'attachment');
    assert.doesNotMatch(header, /[\r\n]/);
  });
});

/** What RFC 6266 §4.3 makes of a header: `filename*` before `filename`. */
function nameIn(header: string): string | undefined {
  const extended = /filename\*=UTF-8''([^;]+)/i.exec(header)?.[1];
  if (extended !== undefined) return decodeURIComponent(extended);
  const quoted = /filename="((?:[^"\\]|\\.)*)"/.exec(header)?.[1];
  return quoted?.replace(/\\(.)/g, '$1') ?? /filename=([^;]+)/.exec(header)?.[1];
}

describe('inline', () => {
  test('is granted to formats that run nothing', () => {
    for (const type of ['image/png', 'video/mp4', 'audio/mpeg', 'application/pdf']) {
      assert.match(contentDisposition('a', type, 'inline'), /^inline/);
    }
  });
  test('is granted to nothing else', () => {
    for (const type of [
      'image/svg+xml',
      'text/html',
      'text/plain',
      'application/xml',
      'text/xml',
      'application/zip',
      '',
    ]) {
      assert.ok(!mayBeInline(type), type);
      assert.match(contentDisposition('a', type, 'inline'), /^attachment/);
    }
  });
});

describe('Cache-Control behind a signed URL', () => {
  const cases = [
    ['public, max-age=31536000, immutable', 90_500, 'private, max-age=90, immutable'],
    ['public, max-age=60', 90_500, 'private, max-age=60'],
    ['no-cache', 90_500, 'private, no-cache'],
    ['private, no-store', 90_500, 'private, no-store'],
    ['', 90_500, 'private, max-age=90'],
    ['public', -1, 'private, max-age=0'],
  ] as const;
  for (const [asked, remainingMs, expected] of cases) {
    test(`of a type with ${JSON.stringify(asked)} is ${expected}`, () => {
      assert.equal(signedCacheControl(asked, remainingMs), expected);
    });
  }
});
