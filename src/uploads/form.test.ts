import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { describe, it } from 'node:test';
import { collectBytes } from '../core/bytes.ts';
import { type ErrorCode, isStowageError } from '../core/errors.ts';
import { FORM_LIMITS, type FormLimits, parseForm } from './form.ts';

const TYPE = 'multipart/form-data; boundary=XX';
const FIELD = 'Content-Disposition: form-data; name="a"';

type SeenPart =
  | [name: string, value: string]
  | [name: string, filename: string, type: string | null, content: string];

async function* chunksOf(bytes: Buffer, chunkBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
}

async function parse(
  text: string | Buffer,
  options: { type?: string | null; chunkBytes?: number; limits?: Partial<FormLimits> } = {},
): Promise<SeenPart[]> {
  const body = typeof text === 'string' ? Buffer.from(text) : text;
  const seen: SeenPart[] = [];
  const limits = { bodyBytesMax: 1e9, ...options.limits };
  const type = options.type === undefined ? TYPE : options.type;
  for await (const part of parseForm(chunksOf(body, options.chunkBytes ?? 65536), type, { limits })) {
    if (part.kind === 'field') seen.push([part.name, part.value]);
    else {
      const content = (await collectBytes(part.body, 1e9)).toString('latin1');
      seen.push([part.fieldName, part.filename, part.mediaType, content]);
    }
  }
  return seen;
}

function form(...parts: readonly { headers?: string; content?: string }[]): string {
  const text = parts.map(({ headers = FIELD, content = '' }) => `--XX\r\n${headers}\r\n\r\n${content}\r\n`);
  return `${text.join('')}--XX--\r\n`;
}

function refused(
  text: string | Buffer,
  code: ErrorCode,
  options?: Parameters<typeof parse>[1],
): Promise<void> {
  return assert.rejects(parse(text, options), (error) => isStowageError(error, code));
}

describe('a form', () => {
  const two = form(
    { content: 'one\r\n-two' },
    {
      headers: 'Content-Disposition: form-data; name="files"; filename="é x.png"\r\nContent-Type: image/png',
      content: 'bytes\r\n--X\r\n\r\n--\rX',
    },
    { headers: 'content-disposition:form-data;name=b', content: '' },
  );
  const parts: SeenPart[] = [
    ['a', 'one\r\n-two'],
    ['files', 'é x.png', 'image/png', 'bytes\r\n--X\r\n\r\n--\rX'],
    ['b', ''],
  ];

  it('is read the same, however its bytes are cut into chunks', async () => {
    for (const chunkBytes of [1, 2, 3, 5, 7, 16, 61, 1000]) {
      assert.deepEqual(await parse(two, { chunkBytes }), parts, `${chunkBytes}`);
    }
  });

  it('may have a preamble, padding behind boundaries and an epilogue', async () => {
    const padded = `hello\r\n${two.replaceAll('--XX\r\n', '--XX \t\r\n')}good bye`;
    for (const chunkBytes of [1, 1000]) assert.deepEqual(await parse(padded, { chunkBytes }), parts);
  });

  it('may have no parts', async () => {
    assert.deepEqual(await parse('--XX--'), []);
  });

  it('names its boundary in quotes or not, in any case', async () => {
    for (const type of [
      'Multipart/Form-Data; Boundary="XX"',
      'multipart/form-data;boundary=XX;charset=utf-8',
      'multipart/form-data; charset=utf-8; boundary=XX ;',
    ]) {
      assert.deepEqual(await parse(two, { type }), parts, type);
    }
    const long = "0123456789abcdefABCDEF'()+_,-./:=? 0123456789abcdefABCDEF'()+_,-./:=?x";
    const text = form({ content: 'v' }).replaceAll('XX', long);
    assert.deepEqual(await parse(text, { type: `multipart/form-data; boundary="${long}"` }), [['a', 'v']]);
  });

  it('of another media type is unsupported', async () => {
    for (const type of [
      null,
      '',
      'image/png',
      'multipart/mixed; boundary=XX',
      'multipart/form-dataX; boundary=XX',
    ]) {
      await refused(two, 'unsupported_media_type', { type });
    }
  });

  it('without a valid boundary is malformed', async () => {
    for (const boundary of [
      '',
      '; boundary',
      '; boundary=',
      '; boundary=""',
      `; boundary=${'x'.repeat(71)}`,
      '; boundary="a\u00e9"',
      '; boundary="a "',
      '; boundary=a; boundary=b',
      '; boundary="a',
    ]) {
      await refused(two, 'malformed_request', { type: `multipart/form-data${boundary}` });
    }
  });

  it('that ends early, anywhere, is malformed', async () => {
    const whole = Buffer.from(two);
    for (let length = 0; length < whole.length - 2; length += 1) {
      await refused(whole.subarray(0, length), 'malformed_request');
    }
  });

  it('whose stream breaks is aborted', async () => {
    for (const error of [new Error('reset'), undefined]) {
      const body = new Readable({ read() {} });
      body.push(Buffer.from(two).subarray(0, 100));
      setImmediate(() => body.destroy(error));
      const read = async () => {
        for await (const part of parseForm(body, TYPE, { limits: { bodyBytesMax: 1e6 } })) {
          if (part.kind === 'file') await collectBytes(part.body, 1e6);
        }
      };
      await assert.rejects(read(), (failure) => isStowageError(failure, 'aborted'));
      await assert.rejects(read(), (failure) => isStowageError(failure, 'aborted'), 'already destroyed');
    }
  });

  it('with bare line feeds is malformed', async () => {
    await refused(two.replaceAll('\r\n', '\n'), 'malformed_request');
    await refused(form({ headers: `${FIELD}\nContent-Type: text/plain`, content: 'v' }), 'malformed_request');
  });

  it('that has two readings is malformed', async () => {
    for (const chunkBytes of [1, 3, 1000]) {
      await refused(form({ content: '--XX' }), 'malformed_request', { chunkBytes });
      await refused(`--XX\r\n${FIELD}\r\n\r\n--XX--\r\n`, 'malformed_request', { chunkBytes });
      await refused(`--XX--\r\n${form({ content: 'v' })}`, 'malformed_request', { chunkBytes });
      assert.deepEqual(await parse(form({ content: '--X' }), { chunkBytes }), [['a', '--X']]);
    }
  });

  it('with more than padding behind a boundary is malformed', async () => {
    await refused(two.replace('--XX\r\n', '--XXY\r\n'), 'malformed_request');
    await refused(two.replace('--XX\r\n', '--XX-\r\n'), 'malformed_request');
  });
});

describe('a part', () => {
  const name = async (disposition: string): Promise<string | undefined> => {
    const headers = `Content-Disposition: form-data; name=files; ${disposition}`;
    return (await parse(form({ headers, content: 'x' })))[0]?.[1];
  };

  it('has the file name that the user gave, however the client wrote it', async () => {
    assert.equal(await name('filename="a.png"'), 'a.png');
    assert.equal(await name('filename=a.png'), 'a.png');
    assert.equal(await name('filename=""'), '');
    assert.equal(await name('filename="say \\"hi\\".png"'), 'say "hi".png', 'old Firefox, curl');
    assert.equal(await name('filename="say %22hi%22.png"'), 'say "hi".png', 'browsers today');
    assert.equal(await name('filename="C:\\photos\\a.png"'), 'C:\\photos\\a.png', 'old Internet Explorer');
    assert.equal(await name('filename="a;b=c.png"'), 'a;b=c.png');
    assert.equal(await name('filename="日本語 😀.png"'), '日本語 😀.png');
    assert.equal(await name("filename*=utf-8''na%C3%AFve.png"), 'naïve.png', 'Python');
    assert.equal(
      await name('filename="=?utf-8?B?bmE=?="; filename*=utf-8\'\'na%C3%AFve.png'),
      'naïve.png',
      '.NET',
    );
  });

  it('with malformed headers is refused', async () => {
    for (const headers of [
      '',
      'Content-Type: text/plain',
      'Content-Disposition: attachment; name="a"',
      'Content-Disposition: form-data',
      'Content-Disposition: form-data; filename="a"',
      'Content-Disposition: form-data; name="a',
      'Content-Disposition: form-data; name="a"; name="b"',
      'Content-Disposition: form-data; name="a"; filename="x"; FileName="y"',
      'Content-Disposition: form-data; name="a" filename="x"',
      "Content-Disposition: form-data; name=a; filename*=utf-8''%FF",
      "Content-Disposition: form-data; name=a; filename*=latin1''x",
      `${FIELD}\r\n${FIELD}`,
      `${FIELD}\r\nContent-Type: a/b\r\ncontent-type: c/d`,
      `${FIELD}\r\n folded`,
      `${FIELD}\r\n: x`,
      `${FIELD}\r\nno colon`,
      `${FIELD}\r\nbad name: x`,
      `${FIELD}\u0000`,
      `${FIELD}\r\nX: a\rb`,
      `${FIELD}\r\nContent-Transfer-Encoding: base64`,
      `${FIELD}\r\nContent-Transfer-Encoding: quoted-printable`,
    ]) {
      await refused(form({ headers, content: 'x' }), 'malformed_request');
    }
    const latin1 = form({ headers: 'Content-Disposition: form-data; name="a"; filename="\u00e9"' });
    await refused(Buffer.from(latin1, 'latin1'), 'malformed_request');
  });

  it('may name an encoding that changes nothing', async () => {
    for (const encoding of ['binary', '7bit', '8BIT']) {
      const headers = `${FIELD}\r\nContent-Transfer-Encoding: ${encoding}\r\nX-Other: 1`;
      assert.deepEqual(await parse(form({ headers, content: 'x' })), [['a', 'x']]);
    }
  });

  it('is read the same when its headers came before, byte by byte', async () => {
    const named = (name: string) =>
      form({ headers: `Content-Disposition: form-data; name="${name}"`, content: name });
    const long = 'n'.repeat(FORM_LIMITS.fieldNameCharactersMax);
    for (const name of ['\u00e9', '\u00c3\u00a9', 'a', 'A', long, '\u00e9', 'a', long]) {
      assert.deepEqual(await parse(named(name)), [[name, name]]);
    }
    // The same text in other bytes.
    await refused(Buffer.from(named('\u00e9'), 'latin1'), 'malformed_request');
    for (const content of ['one', 'two']) {
      const headers = `${FIELD}; filename="${content}"`;
      assert.deepEqual(await parse(form({ headers, content })), [['a', content, null, content]]);
    }
  });

  it('that is a field must be UTF-8', async () => {
    await refused(Buffer.from(form({ content: '\u00e9' }), 'latin1'), 'malformed_request');
    assert.deepEqual(await parse(form({ content: 'é' }), { chunkBytes: 1 }), [['a', 'é']]);
  });

  it('may have a name that objects are born with', async () => {
    const headers = 'Content-Disposition: form-data; name="__proto__"';
    assert.deepEqual(await parse(form({ headers, content: 'x' })), [['__proto__', 'x']]);
  });

  it('that is a file and is not read is skipped, within a bound', async () => {
    const headers = 'Content-Disposition: form-data; name="f"; filename="f"';
    const text = form({ headers, content: 'y'.repeat(3000) }, { content: 'v' });
    const names: string[] = [];
    for await (const part of parseForm(chunksOf(Buffer.from(text), 100), TYPE, {
      limits: { bodyBytesMax: 1e6 },
    })) {
      names.push(part.kind);
    }
    assert.deepEqual(names, ['file', 'field']);
    const limits = { bodyBytesMax: 1e6, skippedBytesMax: 2999 };
    const reader = parseForm(chunksOf(Buffer.from(text), 100), TYPE, { limits });
    await reader.next();
    await assert.rejects(reader.next(), (error) => isStowageError(error, 'malformed_request'));
    await assert.rejects(reader.next(), (error) => isStowageError(error, 'malformed_request'));
  });
});

describe('the bounds of a form', () => {
  it('refuse one too many of anything', async () => {
    const { partsMax, fieldsMax, fieldBytesMax, fieldNameCharactersMax, headerBytesMax, outsideBytesMax } =
      FORM_LIMITS;
    const file = { headers: 'Content-Disposition: form-data; name="f"; filename="f"' };
    const named = (length: number) => ({
      headers: `Content-Disposition: form-data; name="${'n'.repeat(length)}"`,
    });
    const padded = (length: number) => ({
      headers: `${FIELD}\r\nX: ${'x'.repeat(length - FIELD.length - 5)}`,
    });
    const times = (count: number, part: object) => Array.from({ length: count }, () => part);

    assert.equal((await parse(form(...times(partsMax, file)))).length, partsMax);
    await refused(form(...times(partsMax + 1, file)), 'malformed_request');
    assert.equal((await parse(form(...times(fieldsMax, {})))).length, fieldsMax);
    await refused(form(...times(fieldsMax + 1, {})), 'malformed_request');
    await parse(form(named(fieldNameCharactersMax)));
    await refused(form(named(fieldNameCharactersMax + 1)), 'malformed_request');
    await parse(form({ content: 'x'.repeat(fieldBytesMax) }));
    await refused(form({ content: 'x'.repeat(fieldBytesMax + 1) }), 'request_too_large');
    for (const chunkBytes of [1000, 65536]) {
      await parse(form(padded(headerBytesMax)), { chunkBytes });
      await refused(form(padded(headerBytesMax + 1)), 'malformed_request', { chunkBytes });
      await refused('x'.repeat(outsideBytesMax * 5), 'malformed_request', { chunkBytes });
      await refused(`${form()}${'x'.repeat(outsideBytesMax + 1)}`, 'malformed_request', { chunkBytes });
      await refused(`--XX${' '.repeat(headerBytesMax * 2)}`, 'malformed_request', { chunkBytes });
    }
  });

  it('refuse a field that is too large although the rest of it never comes', async () => {
    for (const chunks of [['x'.repeat(11)], ['x'.repeat(6), 'x'.repeat(5)]]) {
      const body = new Readable({ read() {} });
      const reader = parseForm(body, TYPE, { limits: { bodyBytesMax: 1e6, fieldBytesMax: 10 } });
      const [first, ...later] = chunks;
      body.push(`--XX\r\n${FIELD}\r\n\r\n${first}`);
      const refusal = assert.rejects(reader.next(), (error) => isStowageError(error, 'request_too_large'));
      for (const chunk of later) body.push(chunk);
      await refusal;
      body.destroy();
    }
    const cut = Buffer.from(`--XX\r\n${FIELD}\r\n\r\n${'x'.repeat(11)}`);
    await refused(cut, 'request_too_large', { limits: { fieldBytesMax: 10 } });
  });

  it('hold for the whole body, and can be lowered on the way', async () => {
    const text = form({ content: 'x'.repeat(1000) });
    await parse(text, { limits: { bodyBytesMax: text.length } });
    await refused(text, 'request_too_large', { limits: { bodyBytesMax: text.length - 1 } });

    const reader = parseForm(chunksOf(Buffer.from(text + 'x'.repeat(1000)), 200), TYPE, {
      limits: { bodyBytesMax: 1e6 },
    });
    await reader.next();
    reader.limitBody(text.length + 200);
    await assert.rejects(reader.next(), (error) => isStowageError(error, 'request_too_large'));
  });

  it('keep only a little of a body that is not read', async () => {
    let madeBytes = 0;
    const headers = 'Content-Disposition: form-data; name="f"; filename="f"';
    const body = Readable.from(
      (async function* () {
        yield Buffer.from(`--XX\r\n${headers}\r\n\r\n`);
        for (let chunk = 0; chunk < 1000; chunk += 1) {
          madeBytes += 65536;
          yield Buffer.alloc(65536);
        }
      })(),
      { objectMode: false },
    );
    const reader = parseForm(body, TYPE, { limits: { bodyBytesMax: 1e9 } });
    const part = await reader.next();
    assert.equal(part.value?.kind, 'file');
    await new Promise((resolve) => setImmediate(resolve));
    for (let turn = 0; turn < 100; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    assert.ok(madeBytes <= 1024 * 1024, `${madeBytes} bytes were taken`);
    await reader.return?.();
    body.destroy();
  });
});
