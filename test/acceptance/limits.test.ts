import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Answer, assertProblem } from './http.ts';
import { png } from './samples/images.ts';
import { sample } from './samples/index.ts';
import { type Service, startService } from './service.ts';
import type { Uploads } from './wire.ts';

let service: Service;
before(async () => {
  service = await startService({ UPLOADS_PER_HOUR: '5', BODY_LIMIT: '8kb' });
});
after(async () => {
  await service[Symbol.asyncDispose]();
});

/** A refusal for the rate: says when to come back, in the words of RFC 9110 and of the RateLimit headers. */
function assertLimited(answer: Answer): void {
  assertProblem(answer, 429, 'rate_limited');
  assert.match(String(answer.headers['retry-after']), /^[1-9]\d{0,3}$/);
  assert.ok(Number(answer.headers['retry-after']) <= 3600);
  assert.ok(
    Object.keys(answer.headers).some((name) => name.startsWith('ratelimit')),
    'RateLimit headers are sent',
  );
}

describe('the rate limit', () => {
  test('of five takes exactly five of twenty at once', async () => {
    const caller = service.as('racer');
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => caller.upload('image', [sample('png', index + 1)])),
    );
    const statuses = answers.map((answer) => answer.status).sort();
    assert.deepEqual(statuses, [...Array<number>(5).fill(200), ...Array<number>(15).fill(429)]);
    for (const answer of answers) if (answer.status === 429) assertLimited(answer);
    assert.equal((await caller.assets()).length, 5);
    assert.equal((await caller.usage()).files, 5);
  });

  test('is for one hour, which begins with the first upload of a user', async () => {
    const { headers, status } = await service.as('newcomer').upload('image', [sample('png')]);
    assert.equal(status, 200);
    const resetSeconds = Number(headers['ratelimit-reset']);
    assert.ok(resetSeconds > 3500 && resetSeconds <= 3600, `the count resets in ${resetSeconds} s`);
    assert.equal(headers.ratelimit, `"files";r=4;t=${resetSeconds}`);
    assert.equal(headers['ratelimit-policy'], '"files";q=5;w=3600');
  });

  test('belongs to the user: another one is not held back', async () => {
    assert.equal((await service.as('racer-2').upload('image', [sample('png')])).status, 200);
  });

  test('belongs to the tenant’s user: a namesake elsewhere is not held back', async () => {
    assert.equal(
      (await service.as('racer', { tenant_id: 'other' }).upload('image', [sample('png')])).status,
      200,
    );
  });

  test('counts files, not requests: six at once are refused whole, five are taken', async () => {
    const caller = service.as('counter');
    const files = (count: number) => Array.from({ length: count }, (_, index) => sample('png', index + 1));
    assertLimited(await caller.upload('image', files(6)));
    assert.deepEqual(await caller.assets(), []);
    const answer = await caller.upload('image', files(5));
    assert.equal(answer.json<Uploads>().uploads.length, 5);
    assertLimited(await caller.upload('image', files(1)));
  });

  test('is not consumed by what is refused', async () => {
    const caller = service.as('refused');
    for (let attempt = 0; attempt < 8; attempt++) {
      const bad = { filename: 'a.png', mediaType: 'image/png', bytes: Buffer.from('no picture') };
      assertProblem(await caller.upload('image', [bad]), 400);
      assertProblem(await caller.upload('nonsense', [sample('png')]), 400, 'unknown_asset_type');
    }
    for (let attempt = 0; attempt < 5; attempt++) {
      assert.equal((await caller.upload('image', [sample('png', attempt + 1)])).status, 200);
    }
    assertLimited(await caller.upload('image', [sample('png')]));
  });

  test('is not given back by deleting', async () => {
    const caller = service.as('deleter');
    for (let attempt = 0; attempt < 5; attempt++) {
      const asset = await caller.store('image', sample('png', attempt + 1));
      assert.equal((await caller.send('DELETE', `/api/assets/${asset.asset_id}`)).status, 204);
    }
    assertLimited(await caller.upload('image', [sample('png')]));
  });

  test('is not consumed by a repeated request with the same Idempotency-Key', async () => {
    const caller = service.as('repeater');
    for (let attempt = 0; attempt < 7; attempt++) {
      const answer = await caller.upload('image', [sample('png')], {}, { 'idempotency-key': 'same' });
      assert.equal(answer.status, 200, answer.text);
    }
  });

  test('holds over a restart', async () => {
    const caller = service.as('patient');
    for (let attempt = 0; attempt < 5; attempt++) await caller.store('image', sample('png', attempt + 1));
    await service.stop();
    service = await service.restart();
    assertLimited(await service.as('patient').upload('image', [sample('png')]));
  });
});

describe('BODY_LIMIT', () => {
  test('does not bound uploads, which their asset type bounds', async () => {
    const file = { filename: 'big.png', mediaType: 'image/png', bytes: png({ sizeBytes: 100_000 }) };
    assert.equal((await service.as('large').upload('image', [file])).status, 200);
  });

  test('bounds any other body', async () => {
    const body = JSON.stringify({ filename: 'a.png', filler: 'x'.repeat(9000) });
    for (const [method, target] of [
      ['POST', '/api/uploads'],
      ['DELETE', '/api/users/somebody'],
    ] as const) {
      const answer = await service
        .as('root', { role: 'admin' })
        .send(method, target, { headers: { 'content-type': 'application/json' }, body });
      // A route that does not exist (yet) or takes no body may say so instead.
      if (answer.status === 413) assertProblem(answer, 413, 'request_too_large');
      else
        assert.ok([202, 400, 404, 405, 415].includes(answer.status), `${method} ${target}: ${answer.status}`);
    }
  });
});

describe('parameters', () => {
  const bad: readonly string[] = [
    'limit=0',
    'limit=201',
    'limit=-1',
    'limit=abc',
    'limit=1.5',
    'limit=',
    'cursor=nonsense',
    'cursor=%00',
    `cursor=${'x'.repeat(3000)}`,
    `cursor=${Buffer.from('{"id":"x"}').toString('base64url')}`,
    'asset_type=nonsense',
    'limit=1&limit=2',
  ];
  for (const query of bad) {
    test(`a list with ${query.slice(0, 30)} is refused`, async () => {
      const answer = await service.as('lister').get(`/api/assets?${query}`);
      assertProblem(answer, 400, 'invalid_parameter', 'unknown_asset_type');
    });
  }

  for (const id of [
    '7',
    'not-an-id',
    '00000000-0000-0000-0000-00000000000g',
    "'; DROP TABLE assets;--",
    '%00',
    'x'.repeat(500),
  ]) {
    test(`an asset with the id ${id.slice(0, 30)} is not there`, async () => {
      for (const rest of ['', '/presigned', '/download', '/access-log']) {
        const answer = await service.as('lister').get(`/api/assets/${encodeURIComponent(id)}${rest}`);
        assert.ok(answer.status === 400 || answer.status === 404, `${answer.status} ${answer.text}`);
        assertProblem(answer, answer.status, 'invalid_parameter', 'not_found', 'malformed_request');
      }
    });
  }

  test('a route that is not there is not_found, with or without a token', async () => {
    assertProblem(await service.as('lister').get('/api/nothing'), 404, 'not_found');
    const answer = await service.send('GET', '/api/nothing');
    assertProblem(answer, answer.status, 'not_found', 'unauthenticated');
  });

  test('a method that a route does not know is refused, not a crash', async () => {
    for (const [method, target] of [
      ['PUT', '/api/assets'],
      ['PATCH', '/api/upload'],
      ['POST', '/api/health'],
    ] as const) {
      const answer = await service.as('lister').send(method, target, { body: '{}' });
      assert.ok([404, 405].includes(answer.status), `${method} ${target}: ${answer.status}`);
      assert.match(answer.headers['content-type'] ?? '', /problem\+json/);
    }
  });
});
