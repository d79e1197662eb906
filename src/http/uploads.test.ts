import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import type { AssetJson, ProblemJson } from '../protocol/index.ts';
import { openServerFixture, type ServerFixture } from './server-fixture.ts';

let server: ServerFixture;
before(async () => {
  server = await openServerFixture({ filesPerHour: 5 });
});
after(async () => {
  await server[Symbol.asyncDispose]();
});

const BOUNDARY = 'boundary';
const CONTENT_TYPE = `multipart/form-data; boundary=${BOUNDARY}`;

/** The start of a form with one text file, up to where its bytes begin. */
const formStart = (assetType = 'note', filename = 'a.txt') =>
  `--${BOUNDARY}\r\nContent-Disposition: form-data; name="asset_type"\r\n\r\n${assetType}\r\n` +
  `--${BOUNDARY}\r\nContent-Disposition: form-data; name="files"; filename="${filename}"\r\nContent-Type: text/plain\r\n\r\n`;

/** A connection that gathers what comes back. */
class RawClient {
  readonly socket: Socket;
  readonly closed: Promise<void>;
  received = '';

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.on('data', (chunk) => {
      this.received += chunk.toString('latin1');
    });
    this.socket.on('error', () => {});
    this.closed = new Promise((resolve) => this.socket.once('close', () => resolve()));
  }

  async until(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.received)) {
      await Promise.race([
        new Promise((resolve) => this.socket.once('data', resolve)),
        this.closed.then(() => {
          if (!pattern.test(this.received)) throw new Error(`Closed after: ${this.received}`);
        }),
      ]);
    }
  }

  /** Sends until the other side stops taking, is gone, or so many bytes are out; answers how many. */
  async pour(bytesMax: number): Promise<number> {
    const chunk = Buffer.alloc(256 * 1024, 'x');
    let sent = 0;
    while (sent < bytesMax && !this.socket.destroyed) {
      sent += chunk.byteLength;
      if (!this.socket.write(chunk)) {
        const drained = new Promise((resolve) => this.socket.once('drain', resolve));
        await Promise.race([drained, this.closed]);
      }
    }
    return sent;
  }
}

async function head(
  method: string,
  target: string,
  who: { userId: string } | null,
  headers: Record<string, string>,
) {
  const all: Record<string, string> = {
    Host: 'files.test',
    ...(who === null ? {} : { Authorization: `Bearer ${await server.token(who)}` }),
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n`;
}

/** The problem of the first answer: what a client that sends on gets after `Connection: close` concerns nobody. */
function problemIn(text: string): ProblemJson {
  const start = text.indexOf('\r\n\r\n') + 4;
  const length = Number(/content-length: (\d+)/i.exec(text)?.[1]);
  return JSON.parse(text.slice(start, start + length)) as ProblemJson;
}

describe('an answer that comes before the end of the body', () => {
  const GIGABYTE = 1024 ** 3;
  const FORM_THAT_FITS = 12 * 1024 ** 2;
  const early = { userId: 'early' };
  const cases: readonly {
    readonly what: string;
    readonly who: { userId: string } | null;
    readonly type: string;
    readonly assetType: string;
    readonly lengthBytes: number;
    readonly code: RegExp;
  }[] = [
    {
      what: 'no token',
      who: null,
      type: CONTENT_TYPE,
      assetType: 'note',
      lengthBytes: GIGABYTE,
      code: /^unauthenticated$/,
    },
    {
      what: 'a length that no form may have',
      who: early,
      type: CONTENT_TYPE,
      assetType: 'note',
      lengthBytes: GIGABYTE,
      code: /^request_too_large$/,
    },
    {
      what: 'no form',
      who: early,
      type: 'text/plain',
      assetType: 'note',
      lengthBytes: FORM_THAT_FITS,
      code: /^unsupported_media_type$/,
    },
    {
      what: 'an unknown asset type',
      who: early,
      type: CONTENT_TYPE,
      assetType: 'nonsense',
      lengthBytes: FORM_THAT_FITS,
      code: /^unknown_asset_type$/,
    },
    {
      what: 'a file over its limit',
      who: early,
      type: CONTENT_TYPE,
      assetType: 'note',
      lengthBytes: FORM_THAT_FITS,
      code: /^file_too_large$/,
    },
  ];
  for (const { what, who, type, assetType, lengthBytes, code } of cases) {
    test(`because of ${what} reaches a client that announced ${lengthBytes} bytes and sends on`, {
      timeout: 20_000,
    }, async () => {
      const client = new RawClient(server.port);
      const headers = { 'Content-Type': type, 'Content-Length': `${lengthBytes}` };
      client.socket.write(await head('POST', '/api/upload', who, headers));
      client.socket.write(formStart(assetType));
      const sentBytes = await client.pour(lengthBytes);
      await client.closed;
      const { received } = client;
      assert.match(received, /^HTTP\/1\.1 4\d\d /);
      assert.match(received, /connection: close/i);
      assert.match(problemIn(received).code, code);
      assert.ok(sentBytes < 512 * 1024 ** 2, `${sentBytes} bytes were taken`);
    });
  }

  test('ends the connection also when the client sends nothing more', { timeout: 10_000 }, async () => {
    const client = new RawClient(server.port);
    client.socket.write(
      await head('POST', '/api/upload', null, {
        'Content-Type': CONTENT_TYPE,
        'Content-Length': `${GIGABYTE}`,
      }),
    );
    await client.closed;
    assert.equal(problemIn(client.received).code, 'unauthenticated');
  });

  test('keeps the connection when the body is short', { timeout: 10_000 }, async () => {
    const client = new RawClient(server.port);
    const request = await head('POST', '/api/upload', null, {
      'Content-Type': CONTENT_TYPE,
      'Content-Length': '1000',
    });
    client.socket.write(request + 'x'.repeat(1000));
    await client.until(/"error":"[^"]+"}/);
    client.received = '';
    client.socket.write(await head('GET', '/api/health', null, {}));
    await client.until(/^HTTP\/1\.1 200 .*"status":"ok"/s);
    client.socket.destroy();
  });
});

describe('Expect: 100-continue', () => {
  test('is answered with the refusal, without asking for the body', { timeout: 10_000 }, async () => {
    const client = new RawClient(server.port);
    const headers = { 'Content-Type': CONTENT_TYPE, 'Content-Length': '1000000', Expect: '100-continue' };
    client.socket.write(await head('POST', '/api/upload', null, headers));
    await client.closed;
    assert.match(client.received, /^HTTP\/1\.1 401 /);
    assert.doesNotMatch(client.received, /100 Continue/);
  });

  test('is answered with 100 when the form is wanted, and the upload succeeds', {
    timeout: 10_000,
  }, async () => {
    const body = `${formStart()}hello\r\n--${BOUNDARY}--\r\n`;
    const client = new RawClient(server.port);
    const headers = {
      'Content-Type': CONTENT_TYPE,
      'Content-Length': `${body.length}`,
      Expect: '100-continue',
    };
    client.socket.write(await head('POST', '/api/upload', { userId: 'patient' }, headers));
    await client.until(/^HTTP\/1\.1 100 Continue\r\n\r\n$/);
    client.socket.write(body);
    await client.until(/HTTP\/1\.1 200 .*"content_hash"/s);
    client.socket.destroy();
  });

  test('does not hold up a request without a body', { timeout: 10_000 }, async () => {
    const client = new RawClient(server.port);
    client.socket.write(await head('GET', '/api/health', null, { Expect: '100-continue' }));
    await client.until(/HTTP\/1\.1 200 /);
    client.socket.destroy();
  });
});

describe('what is no HTTP', () => {
  for (const [what, bytes, code] of [
    ['nonsense', 'hello\r\n\r\n', 'malformed_request'],
    [
      'a request with two lengths',
      'GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
      'malformed_request',
    ],
    [
      'headers of a megabyte',
      `GET / HTTP/1.1\r\nHost: x\r\nX-Filler: ${'x'.repeat(1024 * 1024)}\r\n\r\n`,
      'request_too_large',
    ],
  ] as const) {
    test(`${what} is answered with a problem`, { timeout: 10_000 }, async () => {
      const client = new RawClient(server.port);
      client.socket.write(bytes);
      await client.closed;
      assert.match(client.received, /^HTTP\/1\.1 4\d\d /);
      assert.equal(problemIn(client.received).code, code);
    });
  }
});

describe('other bodies', () => {
  test('are refused above the limit, by length and by count', async () => {
    const body = 'x'.repeat(65 * 1024);
    for (const [method, target] of [
      ['DELETE', '/api/users/nobody'],
      ['DELETE', '/api/assets/00000000-0000-4000-8000-000000000000'],
    ] as const) {
      const answer = await server.ask({ role: 'admin' }, target, { method, body });
      const { code, limit_bytes } = (await answer.json()) as ProblemJson;
      assert.deepEqual([code, limit_bytes], ['request_too_large', server.options.config.http.bodyBytesMax]);
    }
    const stream = new Blob([body]).stream();
    const init = { method: 'DELETE', body: stream, duplex: 'half' } as RequestInit;
    const answer = await server.ask({ role: 'admin' }, '/api/users/nobody', init);
    const { code, limit_bytes } = (await answer.json()) as ProblemJson;
    assert.deepEqual([code, limit_bytes], ['request_too_large', server.options.config.http.bodyBytesMax]);
  });

  test('are told the limit of JSON where that is the lower one, by length and by count', async () => {
    await using roomy = await openServerFixture({ http: { bodyBytesMax: 128 * 1024 } });
    const post = async (bytes: number, isCounted: boolean) => {
      const text = JSON.stringify({ filename: 'x'.repeat(bytes) });
      const body = isCounted ? new Blob([text]).stream() : text;
      const headers = { 'content-type': 'application/json' };
      const init = { method: 'POST', headers, body, duplex: 'half' } as RequestInit;
      const { code, limit_bytes } = (await (await roomy.ask({}, '/api/uploads', init)).json()) as ProblemJson;
      return [code, limit_bytes];
    };
    for (const bytes of [65 * 1024, 129 * 1024])
      for (const isCounted of [false, true])
        assert.deepEqual(await post(bytes, isCounted), ['request_too_large', 64 * 1024]);
  });

  test('are refused where the Content-Type is none, although nobody reads them', async () => {
    const init = { method: 'DELETE', headers: { 'content-type': 'nonsense' } };
    const answer = await server.ask({ role: 'admin' }, '/api/users/nobody', init);
    assert.equal(((await answer.json()) as ProblemJson).code, 'unsupported_media_type');
  });
});

describe('the upload limit', () => {
  test('is told in headers, and ends in rate_limited with the time to wait', async () => {
    const who = { userId: 'busy' };
    const upload = async () => {
      const form = new FormData();
      form.append('asset_type', 'note');
      form.append('files', new File(['hello'], 'a.txt', { type: 'text/plain' }));
      return await server.ask(who, '/api/upload', { method: 'POST', body: form });
    };
    for (let left = 4; left >= 0; left -= 1) {
      const answer = await upload();
      assert.equal(answer.status, 200, await answer.text());
      assert.equal(answer.headers.get('ratelimit-remaining'), String(left));
      assert.equal(answer.headers.get('ratelimit-limit'), '5');
    }
    const refused = await upload();
    assert.equal(refused.status, 429);
    assert.equal(refused.headers.get('ratelimit-remaining'), '0');
    const waitSeconds = Number(refused.headers.get('retry-after'));
    assert.ok(waitSeconds >= 1 && waitSeconds <= 3600, `${waitSeconds}`);
    assert.match(refused.headers.get('ratelimit') ?? '', /^"files";r=0;t=\d+$/);
    assert.equal(((await refused.json()) as ProblemJson).code, 'rate_limited');
  });

  test('tells a form that has more files than it leaves, or allows at all, from one that comes after the last', async () => {
    const detailOf = async (files: number) => {
      const form = new FormData();
      form.append('asset_type', 'note');
      for (let n = 0; n < files; n += 1)
        form.append('files', new File(['hello'], `${n}.txt`, { type: 'text/plain' }));
      const answer = await server.ask({ userId: 'eager' }, '/api/upload', { method: 'POST', body: form });
      const { code, detail } = (await answer.json()) as Partial<ProblemJson>;
      assert.equal(code, answer.status === 429 ? 'rate_limited' : undefined);
      return detail;
    };
    assert.match((await detailOf(6)) ?? '', /more files than the limit allows at all: 5 /);
    assert.equal(await detailOf(3), undefined);
    assert.match((await detailOf(3)) ?? '', /more files than the limit of 5 leaves .*: 2\./);
    assert.equal(await detailOf(2), undefined);
    assert.match((await detailOf(1)) ?? '', /limit of 5 files .* is reached/);
  });
});

describe('an upload', () => {
  test('takes its asset type from the query, and stores all files or none', async () => {
    const form = new FormData();
    form.append('files', new File(['one'], 'one.txt', { type: 'text/plain' }));
    form.append('files', new File(['two'], 'two.txt', { type: 'text/plain' }));
    const answer = await server.ask({ userId: 'both' }, '/api/upload?asset_type=note', {
      method: 'POST',
      body: form,
    });
    const { uploads } = (await answer.json()) as { uploads: AssetJson[] };
    assert.deepEqual(
      uploads.map((asset) => asset.filename),
      ['one.txt', 'two.txt'],
    );
    form.append('files', new File([''], 'empty.txt', { type: 'text/plain' }));
    const refused = await server.ask({ userId: 'none' }, '/api/upload?asset_type=note', {
      method: 'POST',
      body: form,
    });
    const problem = (await refused.json()) as ProblemJson;
    assert.deepEqual([refused.status, problem.code, problem.filename], [400, 'empty_file', 'empty.txt']);
    const list = await server.ask({ userId: 'none' }, '/api/assets');
    assert.deepEqual(((await list.json()) as { assets: unknown[] }).assets, []);
  });

  test('has with its bytes what it is, how long caches keep it, its hash, and no name of a person', async () => {
    const who = { userId: 'zoë@example.org', tenantId: 'Zoë Ltd' };
    const [first, second, elsewhere] = await Promise.all([
      server.store(who),
      server.store(who, { name: 'zoë.txt' }),
      server.store({ ...who, tenantId: 'other' }),
    ]);
    const infoOf = async ({ key }: AssetJson) =>
      server.bucket.head(key as Parameters<typeof server.bucket.head>[0], {});
    const info = await infoOf(first);
    const { uploaded_by: pseudonym = '', upload_timestamp: at = '', ...rest } = info.metadata;
    assert.deepEqual(
      [info.contentType, info.cacheControl],
      ['text/plain', 'public, max-age=31536000, immutable'],
    );
    assert.deepEqual(rest, { content_hash: first.content_hash });
    assert.equal(new Date(at).toISOString(), at);
    assert.match(pseudonym, /^[0-9a-f]{16}$/);
    assert.equal((await infoOf(second)).metadata.uploaded_by, pseudonym, 'one for all files of an owner');
    assert.notEqual((await infoOf(elsewhere)).metadata.uploaded_by, pseudonym, 'and for no namesake');
  });

  test('with the same Idempotency-Key is done once', async () => {
    const send = async () => {
      const client = new RawClient(server.port);
      const body = `${formStart()}hello\r\n--${BOUNDARY}--\r\n`;
      const headers = {
        'Content-Type': CONTENT_TYPE,
        'Content-Length': `${body.length}`,
        'Idempotency-Key': '"once"',
      };
      client.socket.write((await head('POST', '/api/upload', { userId: 'twice' }, headers)) + body);
      await client.until(/"created_at":"[^"]+"/);
      client.socket.destroy();
      return /"asset_id":"([^"]+)"/.exec(client.received)?.[1];
    };
    assert.equal(await send(), await send());
  });

  test('with the Idempotency-Key of one whose asset is gone is expired', async () => {
    const who = { userId: 'late' };
    const send = () =>
      server.ask(who, '/api/upload', {
        method: 'POST',
        body: `${formStart()}hello\r\n--${BOUNDARY}--\r\n`,
        headers: { 'content-type': CONTENT_TYPE, 'idempotency-key': 'gone' },
      });
    const { uploads } = (await (await send()).json()) as { uploads: AssetJson[] };
    const target = `/api/assets/${uploads[0]?.asset_id}`;
    assert.equal((await server.ask(who, target, { method: 'DELETE' })).status, 204);
    const again = await send();
    assert.deepEqual([again.status, ((await again.json()) as ProblemJson).code], [410, 'expired']);
  });

  test('that names its asset type twice in the query is refused', async () => {
    const answer = await server.ask({ userId: 'torn' }, '/api/upload?asset_type=note&asset_type=notice', {
      method: 'POST',
      body: `${formStart()}hello\r\n--${BOUNDARY}--\r\n`,
      headers: { 'content-type': CONTENT_TYPE },
    });
    assert.equal(((await answer.json()) as ProblemJson).code, 'invalid_parameter');
  });

  test('that is compressed on its way is told so, and one that says it is not is taken', async () => {
    const body = `${formStart()}hello\r\n--${BOUNDARY}--\r\n`;
    const send = (encoding: string) =>
      server.ask({ userId: 'zip' }, '/api/upload', {
        method: 'POST',
        body,
        headers: { 'content-type': CONTENT_TYPE, 'content-encoding': encoding },
      });
    const refused = await send('gzip');
    const problem = (await refused.json()) as ProblemJson;
    assert.deepEqual([refused.status, problem.code], [415, 'unsupported_media_type']);
    assert.match(problem.detail, /Content-Encoding/);
    assert.equal((await send('identity')).status, 200);
  });
});
