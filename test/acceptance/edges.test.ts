import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { fieldParts, filePart, onlyUpload } from './caller.ts';
import { backendOfRun } from './clouds.ts';
import { type Answer, assertProblem } from './http.ts';
import { rawConnection } from './raw.ts';
import { sample } from './samples/index.ts';
import { type Service, startService } from './service.ts';
import type { LogPage } from './wire.ts';

let service: Service;
before(async () => {
  service = await startService();
});
after(async () => {
  assert.doesNotMatch(service.output(), /"internal_error"|"status":500/, 'something answered 500');
  await service[Symbol.asyncDispose]();
});

/** Accepted, or refused as the client's fault: never a fault of ours. */
function assertNoFault(answer: Answer): void {
  if (answer.status === 200) return;
  assert.ok(answer.status >= 400 && answer.status < 500, `${answer.status} ${answer.text}`);
  assertProblem(answer, answer.status);
}

describe('who the token names', () => {
  const strange: Readonly<Record<string, string>> = {
    'a way up': '../../etc',
    'a path': 'a/b/c',
    'an address': 'auth0|alice+test@example.com',
    'other scripts': 'ユーザー-Ж',
    'an emoji': '💥',
    'white space': ' a b ',
    'a line end': 'a\r\nX-Evil: 1',
    NUL: 'a\0b',
    'a lone surrogate': 'a\ud800b',
    '255 characters': 'u'.repeat(255),
    '3,000 characters': 'u'.repeat(3000),
    'a percent sign': '%2e%2e%2f',
    SQL: "'; DROP TABLE assets; --",
    'the prototype': '__proto__',
  };
  for (const [title, userId] of Object.entries(strange)) {
    test(`may be ${title}: files are stored under a safe key and come back, or the token is refused`, async () => {
      const caller = service.as(userId);
      const answer = await caller.upload('brand_image', [sample('png', 3)]);
      assertNoFault(answer);
      if (answer.status !== 200) return;
      const asset = onlyUpload(answer);
      assert.match(asset.key, /^brand-images\/[^/]+\/[^/]+$/);
      assert.doesNotMatch(asset.key, /\.\.(\/|$)|\\|%2e|[^!-~]/i);
      assert.equal(asset.user_id, userId);
      assert.equal((await caller.assets()).length, 1);
      assert.equal((await service.send('GET', asset.presigned_url)).status, 200);
    });
  }

  test('two whose names look alike in a key do not see each other’s files', async () => {
    const [one, two] = [service.as('a/b'), service.as('a_b')];
    const asset = await one.store('brand_image', sample('png', 4));
    assert.deepEqual(await two.assets(), []);
    assertProblem(await two.get(`/api/assets/${asset.asset_id}`), 403, 'forbidden');
  });

  for (const tenant of ['../x', 'T'.repeat(3000), 'a\0b', '', ' ', '💥']) {
    test(`the tenant may be ${JSON.stringify(tenant).slice(0, 20)} or is refused`, async () => {
      assertNoFault(await service.as('alice', { tenant_id: tenant }).upload('image', [sample('png', 5)]));
    });
  }
});

describe('what a request says', () => {
  test('as its Host does not get into signed URLs', async () => {
    const headers = {
      host: 'evil.example.test',
      'x-forwarded-host': 'evil.example.test',
      'x-forwarded-proto': 'https',
    };
    const asset = onlyUpload(await service.as('alice').upload('image', [sample('png', 6)], {}, headers));
    assert.ok(!asset.presigned_url.includes('evil'), asset.presigned_url);
    if (backendOfRun() === 'local')
      assert.ok(asset.presigned_url.startsWith(service.origin), asset.presigned_url);
  });

  test('as its request id is kept when it is harmless, replaced when it is not', async () => {
    for (const id of ['x'.repeat(5000), 'a"b<script>', '{"a":1}']) {
      const answer = await service.send('GET', '/api/assets', { headers: { 'x-request-id': id } });
      assert.notEqual(assertProblem(answer, 401, 'unauthenticated').request_id, id);
    }
  });

  test('as its User-Agent is logged, bounded, in any bytes', async () => {
    const caller = service.as('agent');
    const admin = service.as('root', { role: 'admin' });
    for (const agent of ['x'.repeat(8000), '\u00ff\u00fe', '<script>alert(1)</script>']) {
      assert.equal(
        (await caller.upload('image', [sample('png', 7)], {}, { 'user-agent': agent })).status,
        200,
      );
    }
    const { entries } = (await admin.get('/api/access-log?user_id=agent')).json<LogPage>();
    assert.ok(entries.every((entry) => (entry.user_agent ?? '').length <= 2048));
  });

  for (const key of ['k'.repeat(5000), ' ', 'a b', '"quoted"', '\u00ff']) {
    test(`as its Idempotency-Key ${JSON.stringify(key.slice(0, 10))} is taken or refused`, async () => {
      assertNoFault(
        await service.as('alice').upload('image', [sample('png', 8)], {}, { 'idempotency-key': key }),
      );
    });
  }

  for (const digest of [
    'sha-256=:AAAA:',
    'sha-256=nonsense',
    'md5=:AAAAAAAAAAAAAAAAAAAAAA==:',
    ':::',
    'x'.repeat(5000),
  ]) {
    test(`as its Repr-Digest ${digest.slice(0, 20)} is ignored or refused`, async () => {
      assertNoFault(
        await service.as('alice').upload('image', [sample('png', 9)], {}, { 'repr-digest': digest }),
      );
    });
  }
});

describe('what a form says', () => {
  const post = (fields: Readonly<Record<string, string>>, file = sample('mp4', 9)) =>
    service
      .as('former')
      .post([...fieldParts({ asset_type: 'generated_video', project_id: 'p', ...fields }), filePart(file)]);

  for (const value of [
    '\0',
    'a\0b',
    'p'.repeat(2000),
    '💥',
    '\ud800',
    ' ',
    '\r\n',
    '..',
    '__proto__',
    'ä'.repeat(300),
  ]) {
    test(`in project_id ${JSON.stringify(value.slice(0, 8))} makes a safe key or is refused`, async () => {
      const answer = await post({ project_id: value });
      assertNoFault(answer);
      if (answer.status === 200)
        assert.match(onlyUpload(answer).key, /^generated-videos\/[!-.0-~]+\/[!-.0-~]+$/);
    });
  }

  for (const [title, metadata] of [
    ['of 100,000 levels', '['.repeat(100_000)],
    ['of 5,000 closed levels', `{"a":${'['.repeat(5000)}${']'.repeat(5000)}}`],
    ['of a lone surrogate', '{"a":"\\ud800"}'],
    ['of a number beyond all bounds', '{"a":1e999}'],
    ['of a number with many digits', `{"a":${'9'.repeat(3000)}}`],
    ['of a key that is NUL', '{"\\u0000":1}'],
    ['of the same key twice', '{"a":1,"a":2}'],
    ['of nothing', ''],
  ] as const) {
    test(`in metadata ${title} is kept or refused`, async () => {
      assertNoFault(await post({ metadata }));
    });
  }

  test('in a name that is no UTF-8 is refused or kept readable, and the list still works', async () => {
    const caller = service.as('latin');
    const head = Buffer.concat([
      Buffer.from(
        '--b\r\nContent-Disposition: form-data; name="asset_type"\r\n\r\nimage\r\n--b\r\nContent-Disposition: form-data; name="files"; filename="caf',
      ),
      Buffer.from([0xe9, 0xff, 0xfe]),
      Buffer.from('.png"\r\nContent-Type: image/png\r\n\r\n'),
    ]);
    const body = Buffer.concat([head, sample('png', 2).bytes, Buffer.from('\r\n--b--\r\n')]);
    const headers = { 'content-type': 'multipart/form-data; boundary=b' };
    assertNoFault(await caller.send('POST', '/api/upload', { headers, body }));
    await caller.assets();
  });

  test('with the longest name in the widest characters, and the list still works', async () => {
    const caller = service.as('wide');
    const answer = await caller.upload('image', [sample('png', 3, `${'𠮷'.repeat(125)}.png`)]);
    assertNoFault(answer);
    for (const asset of await caller.assets()) {
      assert.equal((await service.send('GET', asset.presigned_url)).status, 200);
      assert.equal((await caller.get(`/api/assets/${asset.asset_id}/download`)).status, 200);
    }
  });
});

describe('old and odd HTTP', () => {
  for (const [title, bytes, statuses] of [
    ['HTTP/1.0 is answered', 'GET /api/health HTTP/1.0\r\n\r\n', [200]],
    [
      'an absolute target is answered',
      'GET http://elsewhere.test/api/health HTTP/1.1\r\nHost: elsewhere.test\r\nConnection: close\r\n\r\n',
      [200, 400, 404],
    ],
    ['a request without Host is refused', 'GET /api/health HTTP/1.1\r\nConnection: close\r\n\r\n', [400]],
    [
      'an upgrade nobody offers is ignored',
      'GET /api/health HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
      [200, 400, 426],
    ],
    [
      'TRACE shows nothing',
      'TRACE /api/health HTTP/1.1\r\nHost: x\r\nCookie: secret\r\nConnection: close\r\n\r\n',
      [400, 404, 405, 501],
    ],
    [
      'CONNECT goes nowhere',
      'CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:22\r\n\r\n',
      [400, 404, 405, 501],
    ],
  ] as const) {
    test(title, async () => {
      const connection = await rawConnection(service.port);
      await connection.write(bytes);
      const answer = await connection.answer(5).catch(() => undefined);
      connection.cut();
      // Closing without a word is an answer to CONNECT and to nonsense alike.
      if (answer === undefined) assert.ok(bytes.startsWith('CONNECT'));
      else assert.ok((statuses as readonly number[]).includes(answer.status), `${answer.status}`);
      assert.doesNotMatch(answer?.text ?? '', /secret/);
    });
  }
});
