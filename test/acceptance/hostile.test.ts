import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Caller, fieldParts, filePart, KEY_FIELDS } from './caller.ts';
import { type Answer, assertProblem, type FormPart, form } from './http.ts';
import { type RawConnection, rawConnection } from './raw.ts';
import { noise } from './samples/bits.ts';
import {
  type HostileFile,
  hostileArchives,
  hostileDocuments,
  hostileNames,
  hostilePictures,
} from './samples/hostile.ts';
import { png } from './samples/images.ts';
import { sample } from './samples/index.ts';
import { type Service, startService, until } from './service.ts';

const MIB = 1024 * 1024;

let service: Service;
let mallory: Caller;
before(async () => {
  service = await startService();
  mallory = service.as('mallory');
});
after(async () => {
  await service[Symbol.asyncDispose]();
});

/** Asserts that the refusals so far left nothing: no asset, no usage, no file on the disk. */
async function assertNothingStored(): Promise<void> {
  assert.deepEqual(await mallory.assets(), []);
  assert.deepEqual(await mallory.usage(), { files: 0, bytes: 0 });
  const left = await until(
    () => service.storedFiles(),
    (files) => files.length === 0,
    3,
  );
  assert.deepEqual(left, []);
}

function describeHostile(title: string, files: readonly HostileFile[]): void {
  describe(title, () => {
    for (const { title, assetType, file, codes } of files) {
      test(`${title} is refused`, async () => {
        const parts: FormPart[] = [
          ...fieldParts({ asset_type: assetType, ...KEY_FIELDS[assetType] }),
          rawFile(file),
        ];
        const problem = assertProblem(await mallory.post(parts), 400, ...codes);
        if (problem.code === 'file_type_mismatch') {
          assert.ok(
            problem.declared ?? problem.extension ?? problem.detected,
            'a mismatch says what did not agree',
          );
        }
        await assertNothingStored();
      });
    }
  });
}

/** A file part whose name goes over the wire untouched. */
function rawFile({ filename, mediaType, bytes }: HostileFile['file']): FormPart {
  const name = filename.replaceAll('"', '\\"');
  return {
    name: 'files',
    body: bytes,
    headers: `Content-Disposition: form-data; name="files"; filename="${name}"\r\nContent-Type: ${mediaType}`,
  };
}

describeHostile('a picture', hostilePictures());
describeHostile('a document', hostileDocuments());
describeHostile('an archive or a film', hostileArchives());
describeHostile('a name', hostileNames());

describe('a form', () => {
  const file = sample('png');
  const good = [...fieldParts({ asset_type: 'image' }), filePart(file)];
  const refusals: readonly (readonly [string, readonly FormPart[], number, readonly string[]])[] = [
    ['without an asset type', [filePart(file)], 400, ['missing_field']],
    [
      'with an unknown asset type',
      [...fieldParts({ asset_type: 'nonsense' }), filePart(file)],
      400,
      ['unknown_asset_type'],
    ],
    [
      'with __proto__ as the asset type',
      [...fieldParts({ asset_type: '__proto__' }), filePart(file)],
      400,
      ['unknown_asset_type'],
    ],
    [
      'with constructor as the asset type',
      [...fieldParts({ asset_type: 'constructor' }), filePart(file)],
      400,
      ['unknown_asset_type'],
    ],
    [
      'with two asset types that differ',
      [...fieldParts({ asset_type: 'image' }), ...fieldParts({ asset_type: 'invoice' }), filePart(file)],
      400,
      ['invalid_parameter', 'malformed_request'],
    ],
    [
      'without the field its key needs',
      [...fieldParts({ asset_type: 'generated_video' }), filePart(sample('mp4'))],
      400,
      ['missing_field'],
    ],
    ['without a file', fieldParts({ asset_type: 'image' }), 400, ['missing_field']],
    [
      'with an empty file',
      [...fieldParts({ asset_type: 'image' }), { ...filePart(file), body: '' }],
      400,
      ['empty_file'],
    ],
    ['with an empty file among others', [...good, { ...filePart(file), body: '' }], 400, ['empty_file']],
    [
      'with metadata that is no JSON',
      [...fieldParts({ asset_type: 'image', metadata: '{oops' }), filePart(file)],
      400,
      ['invalid_parameter'],
    ],
    [
      'with metadata that is no object',
      [...fieldParts({ asset_type: 'image', metadata: '[1]' }), filePart(file)],
      400,
      ['invalid_parameter'],
    ],
    [
      'with a megabyte of metadata',
      [
        ...fieldParts({ asset_type: 'image', metadata: JSON.stringify({ a: 'x'.repeat(MIB) }) }),
        filePart(file),
      ],
      0,
      ['invalid_parameter', 'request_too_large', 'malformed_request'],
    ],
    [
      'with NUL in metadata',
      [...fieldParts({ asset_type: 'image', metadata: '{"a":"\\u0000"}' }), filePart(file)],
      400,
      ['invalid_parameter'],
    ],
    [
      'with five thousand fields',
      [...Array.from({ length: 5000 }, (_, index) => ({ name: `f${index}`, body: 'x' })), ...good],
      0,
      ['malformed_request', 'request_too_large', 'invalid_parameter'],
    ],
    [
      'with a field of two megabytes',
      [...fieldParts({ project_id: 'x'.repeat(2 * MIB) }), ...good],
      0,
      ['invalid_parameter', 'malformed_request', 'request_too_large'],
    ],
    [
      'with a part without a name',
      [...good, { name: 'x', body: 'x', headers: 'Content-Disposition: form-data' }],
      400,
      ['malformed_request'],
    ],
    [
      'with a part without headers',
      [...good, { name: 'x', body: 'x', headers: 'X-Nothing: x' }],
      400,
      ['malformed_request'],
    ],
    [
      'with huge part headers',
      [
        ...good,
        {
          name: 'x',
          body: 'x',
          headers: `Content-Disposition: form-data; name="x"\r\nX-Long: ${'x'.repeat(200_000)}`,
        },
      ],
      0,
      ['malformed_request', 'request_too_large'],
    ],
    [
      'with another form inside',
      [...fieldParts({ asset_type: 'image' }), nestedForm(filePart(file))],
      400,
      ['malformed_request', 'file_type_mismatch', 'invalid_file_type'],
    ],
    [
      'with base64 announced for a part',
      [
        ...fieldParts({ asset_type: 'image' }),
        {
          name: 'files',
          body: file.bytes.toString('base64'),
          headers:
            'Content-Disposition: form-data; name="files"; filename="a.png"\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64',
        },
      ],
      400,
      ['malformed_request', 'file_type_mismatch', 'suspicious_content'],
    ],
  ];
  for (const [title, parts, status, codes] of refusals) {
    test(`${title} is refused`, async () => {
      const answer = await mallory.post(parts);
      assertProblem(answer, status || answer.status, ...codes);
      assert.ok(answer.status === 400 || answer.status === 413, `${answer.status}`);
      await assertNothingStored();
    });
  }

  test('with fields named like the insides of objects harms nothing', async () => {
    const names = [
      '__proto__',
      'constructor',
      'prototype',
      '__proto__[admin]',
      'constructor[prototype][x]',
      'toString',
    ];
    const fields = names.map((name) => ({ name, body: '{"admin":true}' }));
    const tester = service.as('pollution');
    const metadata = {
      name: 'metadata',
      body: '{"__proto__":{"admin":true},"constructor":{"prototype":{"x":1}}}',
    };
    const answer = await tester.post([...fields, metadata, ...good]);
    assert.ok(answer.status === 200 || answer.status === 400, answer.text);
    for (const asset of await tester.assets()) await tester.send('DELETE', `/api/assets/${asset.asset_id}`);
    assert.equal((await service.send('GET', '/api/health')).status, 200);
    assertProblem(await tester.get('/api/access-log'), 403, 'forbidden');
  });
});

function nestedForm(part: FormPart): FormPart {
  const inner = form([part], 'inner');
  return {
    name: 'files',
    body: inner.body,
    headers: 'Content-Disposition: form-data; name="files"\r\nContent-Type: multipart/mixed; boundary=inner',
  };
}

describe('a body', () => {
  const made = form([...fieldParts({ asset_type: 'image' }), filePart(sample('png'))]);
  const post = (contentType: string | undefined, body: Buffer | string): Promise<Answer> =>
    mallory.send('POST', '/api/upload', {
      headers: contentType === undefined ? {} : { 'content-type': contentType },
      body,
    });

  test('that is JSON is unsupported_media_type', async () => {
    assertProblem(await post('application/json', '{"asset_type":"image"}'), 415, 'unsupported_media_type');
  });

  test('that is a URL-encoded form is unsupported_media_type', async () => {
    const answer = await post('application/x-www-form-urlencoded', 'asset_type=image');
    assertProblem(answer, 415, 'unsupported_media_type');
  });

  test('without a type is unsupported_media_type', async () => {
    assertProblem(await post(undefined, made.body), 415, 'unsupported_media_type');
  });

  const malformed: readonly (readonly [string, string, Buffer | string])[] = [
    ['with a form type without a boundary', 'multipart/form-data', made.body],
    ['with an empty boundary', 'multipart/form-data; boundary=', made.body],
    ['with a boundary of 300 characters', `multipart/form-data; boundary=${'b'.repeat(300)}`, made.body],
    ['with another boundary than announced', 'multipart/form-data; boundary=other', made.body],
    ['that ends within a file', made.headers['content-type'] ?? '', made.body.subarray(0, -400)],
    ['that ends before the last boundary', made.headers['content-type'] ?? '', made.body.subarray(0, -6)],
    ['that ends within the headers of a part', made.headers['content-type'] ?? '', made.body.subarray(0, 60)],
    ['that is empty', made.headers['content-type'] ?? '', ''],
    ['of noise', made.headers['content-type'] ?? '', noise(100_000)],
    ['of line ends', made.headers['content-type'] ?? '', '\r\n'.repeat(50_000)],
  ];
  for (const [title, contentType, body] of malformed) {
    test(`${title} is malformed_request`, async () => {
      assertProblem(await post(contentType, body), 400, 'malformed_request', 'missing_field');
      await assertNothingStored();
    });
  }
});

describe('the size limit', () => {
  const limit = 10 * MIB;
  const tooLarge = () => form([...fieldParts({ asset_type: 'brand_image' }), bigFile(limit + 1)]);

  test('one byte more is file_too_large, and the answer names the limit', async () => {
    const made = tooLarge();
    const answer = await mallory.send('POST', '/api/upload', { headers: made.headers, body: made.body });
    const problem = assertProblem(answer, 413, 'file_too_large');
    assert.equal(problem.limit_bytes, limit);
    assert.equal(problem.filename, 'big.png');
    await assertNothingStored();
  });

  test('holds without a content-length', async () => {
    const made = tooLarge();
    const connection = await rawConnection(service.port);
    await connection.write(uploadHead(made.headers, 'Transfer-Encoding: chunked'));
    for (let at = 0; at < made.body.length && !connection.answered(); at += 64 * 1024) {
      const chunk = made.body.subarray(at, at + 64 * 1024);
      if (!(await connection.write(`${chunk.length.toString(16)}\r\n`))) break;
      await connection.write(chunk);
      await connection.write('\r\n');
    }
    await connection.write('0\r\n\r\n');
    assertProblem(await connection.answer(), 413, 'file_too_large');
    connection.cut();
    await assertNothingStored();
  });

  test('holds when a part announces a smaller content-length', async () => {
    const answer = await mallory.post([
      ...fieldParts({ asset_type: 'brand_image' }),
      {
        name: 'files',
        body: bigFile(limit + 1).body,
        headers:
          'Content-Disposition: form-data; name="files"; filename="big.png"\r\nContent-Type: image/png\r\nContent-Length: 10',
      },
    ]);
    assertProblem(answer, 413, 'file_too_large');
    await assertNothingStored();
  });

  test('holds for files that come before their asset type', async () => {
    const answer = await mallory.post([bigFile(limit + 1), ...fieldParts({ asset_type: 'brand_image' })]);
    assertProblem(answer, 413, 'file_too_large');
    await assertNothingStored();
  });

  test('is answered before the rest is read: ten gigabytes are announced, few are sent', async () => {
    const connection = await rawConnection(service.port);
    const made = form([...fieldParts({ asset_type: 'brand_image' }), bigFile(64 * MIB)]);
    const startedMs = Date.now();
    await connection.write(uploadHead(made.headers, `Content-Length: ${10 * 1024 * MIB}`));
    let sentBytes = 0;
    while (!connection.answered() && sentBytes < 64 * MIB) {
      if (!(await connection.write(made.body.subarray(sentBytes, sentBytes + 256 * 1024)))) break;
      sentBytes += 256 * 1024;
    }
    const answer = await connection.answer(5);
    assertProblem(answer, 413, 'file_too_large', 'request_too_large');
    assert.ok(Date.now() - startedMs < 5000, `answered after ${Date.now() - startedMs} ms`);
    assert.ok(sentBytes < 64 * MIB, `${sentBytes} bytes were taken`);
    connection.cut();
    await assertNothingStored();
  });

  test('is answered to a client that waits for "100 Continue" before it sends', async () => {
    const connection = await rawConnection(service.port);
    const head = uploadHead(
      form([]).headers,
      `Content-Length: ${10 * 1024 * MIB}\r\nExpect: 100-continue`,
      '?asset_type=brand_image',
    );
    await connection.write(head);
    const first = await until(
      async () => connection.received().toString('latin1'),
      (text) => text.length > 0,
      5,
    );
    assert.match(first, /^HTTP\/1\.1 (100|413) /);
    connection.cut();
  });

  test('a token that is missing is answered before the body is read', async () => {
    const connection = await rawConnection(service.port);
    await connection.write(
      `POST /api/upload HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: ${500 * MIB}\r\n\r\n--x\r\n`,
    );
    assertProblem(await connection.answer(5), 401, 'unauthenticated');
    connection.cut();
  });
});

function bigFile(sizeBytes: number): FormPart & { readonly body: Buffer } {
  return { name: 'files', filename: 'big.png', mediaType: 'image/png', body: png({ sizeBytes }) };
}

function uploadHead(headers: Readonly<Record<string, string>>, extra: string, query = ''): string {
  return `POST /api/upload${query} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${mallory.token}\r\nContent-Type: ${headers['content-type']}\r\n${extra}\r\n\r\n`;
}

describe('the protocol', () => {
  const requests: readonly (readonly [string, string])[] = [
    ['a request line that is nonsense', 'NONSENSE\r\n\r\n'],
    [
      'two lengths that differ',
      'POST /api/upload HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello',
    ],
    [
      'a length and chunks at once',
      'POST /api/upload HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    [
      'a chunk size that is no number',
      'POST /api/upload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n',
    ],
    ['headers without an end', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`],
  ];
  for (const [title, bytes] of requests) {
    test(`${title} is refused, and the service lives on`, async () => {
      const connection: RawConnection = await rawConnection(service.port);
      await connection.write(bytes);
      const answer = await connection.answer(5);
      assert.ok(answer.status >= 400 && answer.status < 500, `${answer.status}`);
      connection.cut();
      assert.equal((await service.send('GET', '/api/health')).status, 200);
    });
  }

  const targets = [
    '/api/assets/%00',
    '/api/assets/..%2f..%2fetc',
    '/files/%2e%2e/%2e%2e/etc/passwd',
    '/public/../../etc/passwd',
    '/api/%ff',
    '//api//assets',
  ];
  for (const target of targets) {
    test(`${target} finds nothing`, async () => {
      const answer = await mallory.send('GET', service.origin + target);
      assert.ok([400, 403, 404].includes(answer.status), `${answer.status} ${answer.text}`);
      assert.doesNotMatch(answer.text, /root:|node_modules/);
    });
  }
});
