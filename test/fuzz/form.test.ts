import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import busboy from 'busboy';
import fc from 'fast-check';
import { collectBytes } from '../../src/core/bytes.ts';
import { isStowageError } from '../../src/core/errors.ts';
import { parseForm } from '../../src/uploads/form.ts';

// Forms made and broken at random, in random chunks. A whole form must be read as it was made and as busboy reads it;
// of a broken one, whatever we accept must be what busboy sees: a difference would let a proxy and us see two files.
// FUZZ_SEED repeats a run, FUZZ_RUNS makes it longer.

const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 0x7fffffff);
const numRuns = Number(process.env.FUZZ_RUNS ?? 300);

interface Part {
  readonly name: string;
  readonly filename: string | null;
  readonly type: string | null;
  readonly content: Buffer;
}

interface Seen {
  readonly name: string;
  readonly filename: string | null;
  /** Hex of the content, so that differences can be read. */
  readonly content: string;
}

const BOUNDARY = fc.constantFrom(
  'X',
  'ab',
  '----WebKitFormBoundary7MA4YWxkTrZu0gW',
  "a'()+_,./:=?b",
  '--',
  'X'.repeat(70),
);

/** Bytes that look like the ends of parts, and bytes that do not. */
function content(boundary: string): fc.Arbitrary<Buffer> {
  const delimiter = `\r\n--${boundary}`;
  const near = fc.nat(delimiter.length - 1).map((length) => Buffer.from(delimiter.slice(0, length)));
  const pieces = fc.oneof(
    near,
    fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
    fc
      .constantFrom('\r', '\n', '\r\n', '-', '--', '\r\n\r\n', '\r\r\n--', ` ${delimiter.slice(2)}`)
      .map((text) => Buffer.from(text)),
    fc.nat(5000).map((length) => Buffer.alloc(length, 'x')),
  );
  return fc
    .array(pieces, { maxLength: 12 })
    .map((list) => Buffer.concat(list))
    .filter((bytes) => !Buffer.concat([LINE_END, bytes]).includes(delimiter));
}

// Quotes and backslashes are written in many ways: the unit tests have them. `%22` is read as a quote, busboy leaves it.
const TEXT = fc.string({ unit: 'binary', minLength: 1, maxLength: 30 }).map(
  // biome-ignore lint/suspicious/noControlCharactersInRegex: names without them are what is wanted.
  (text) => text.replace(/["\\%\u0000-\u001f\u007f]/g, '_'),
);

function part(boundary: string): fc.Arbitrary<Part> {
  const file = fc.record({
    name: TEXT,
    filename: fc.option(TEXT, { nil: null }),
    type: fc.constantFrom(null, 'image/png', 'text/plain; charset=utf-8', 'application/octet-stream'),
    content: content(boundary),
  });
  // What busboy makes of a field that is no UTF-8 is not what was sent; we refuse it.
  return file.map((made) =>
    made.filename === null
      ? {
          ...made,
          type: null,
          content: Buffer.from(made.content.toString('latin1').replace(/[^\r\n\x20-\x7e]/g, 'é')),
        }
      : made,
  );
}

const FORM = BOUNDARY.chain((boundary) =>
  fc.record({
    boundary: fc.constant(boundary),
    parts: fc.array(part(boundary), { maxLength: 6 }),
    preamble: fc.constantFrom('', '', '\r\n', 'preamble\r\n'),
    epilogue: fc.constantFrom('', '\r\n', '\r\nepilogue'),
  }),
);
type Form = typeof FORM extends fc.Arbitrary<infer Made> ? Made : never;

function written({ boundary, parts, preamble, epilogue }: Form): Buffer {
  const pieces = parts.flatMap(({ name, filename, type, content: bytes }) => [
    Buffer.from(
      `--${boundary}\r\nContent-Disposition: form-data; name="${name}"` +
        (filename === null ? '' : `; filename="${filename}"`) +
        (type === null ? '' : `\r\nContent-Type: ${type}`) +
        '\r\n\r\n',
    ),
    bytes,
    Buffer.from('\r\n'),
  ]);
  return Buffer.concat([Buffer.from(preamble), ...pieces, Buffer.from(`--${boundary}--${epilogue}`)]);
}

function contentType(boundary: string): string {
  return `multipart/form-data; boundary="${boundary}"`;
}

function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? bytes.length;
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

async function* stream(chunks: readonly Buffer[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

async function readByUs(chunks: readonly Buffer[], boundary: string): Promise<Seen[]> {
  const seen: Seen[] = [];
  const limits = { bodyBytesMax: 1e9 };
  for await (const next of parseForm(stream(chunks), contentType(boundary), { limits })) {
    if (next.kind === 'field') {
      seen.push({ name: next.name, filename: null, content: Buffer.from(next.value).toString('hex') });
    } else {
      const bytes = await collectBytes(next.body, 1e9);
      seen.push({ name: next.fieldName, filename: next.filename, content: bytes.toString('hex') });
    }
  }
  return seen;
}

function readByBusboy(bytes: Buffer, boundary: string): Promise<Seen[]> {
  return new Promise((resolve, reject) => {
    const seen: Seen[] = [];
    const parser = busboy({
      headers: { 'content-type': contentType(boundary) },
      preservePath: true,
      defParamCharset: 'utf8',
      limits: { fieldSize: 1e9 },
    });
    parser.on('field', (name, value) => {
      seen.push({ name, filename: null, content: Buffer.from(value).toString('hex') });
    });
    parser.on('file', (name, file, info) => {
      const filename = info.filename ?? null;
      const place = seen.push({ name, filename, content: '' }) - 1;
      const pieces: Buffer[] = [];
      file.on('data', (piece: Buffer) => pieces.push(piece));
      file.on('error', reject);
      file.on('end', () => {
        seen[place] = { name, filename, content: Buffer.concat(pieces).toString('hex') };
      });
    });
    parser.on('error', reject);
    parser.on('close', () => resolve(seen));
    parser.end(bytes);
  });
}

async function check<Values>(context: TestContext, property: fc.IAsyncProperty<Values>): Promise<void> {
  context.diagnostic(`FUZZ_SEED=${seed}`);
  await fc.assert(property, { seed, numRuns });
}

const LINE_END = Buffer.from('\r\n');
const SIZES = fc.array(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 10, max: 3000 })), {
  minLength: 1,
  maxLength: 8,
});

describe('forms made at random', () => {
  it('are read as they were made, in any chunks, and as busboy reads them', async (context) => {
    const property = fc.asyncProperty(FORM, SIZES, async (form, sizes) => {
      const bytes = written(form);
      const made = form.parts.map(({ name, filename, content: inside }) => ({
        name,
        filename,
        content: inside.toString('hex'),
      }));
      assert.deepEqual(await readByUs(cut(bytes, sizes), form.boundary), made);
      assert.deepEqual(await readByBusboy(bytes, form.boundary), made);
    });
    await check(context, property);
  });

  it('and broken at random are refused, or read as busboy reads them', async (context) => {
    const damage = fc.record({
      kind: fc.constantFrom('cut', 'change', 'insert', 'remove', 'double'),
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      bytes: fc.oneof(
        fc.uint8Array({ minLength: 1, maxLength: 4 }).map((bytes) => Buffer.from(bytes)),
        fc.constantFrom('\r\n', '\n', '\r', '--', '"', ';', ' ', '\0').map((text) => Buffer.from(text)),
      ),
    });
    let accepted = 0;
    const property = fc.asyncProperty(
      FORM,
      SIZES,
      fc.array(damage, { minLength: 1, maxLength: 3 }),
      async (form, sizes, damages) => {
        let bytes = written(form);
        for (const { kind, at, bytes: other } of damages) {
          const place = Math.floor(at * bytes.length);
          const before = bytes.subarray(0, place);
          const after = bytes.subarray(place);
          if (kind === 'cut') bytes = before;
          if (kind === 'change') bytes = Buffer.concat([before, other, after.subarray(other.length)]);
          if (kind === 'insert') bytes = Buffer.concat([before, other, after]);
          if (kind === 'remove') bytes = Buffer.concat([before, after.subarray(other.length)]);
          if (kind === 'double') bytes = Buffer.concat([before, after.subarray(0, 50), after]);
        }
        let ours: Seen[];
        try {
          ours = await readByUs(cut(bytes, sizes), form.boundary);
        } catch (error) {
          const known =
            isStowageError(error, 'malformed_request') || isStowageError(error, 'request_too_large');
          assert.ok(known, String(error));
          return;
        }
        accepted += 1;
        const theirs = await readByBusboy(bytes, form.boundary);
        assert.deepEqual(ours, theirs);
      },
    );
    await check(context, property);
    assert.ok(accepted > numRuns / 20, `only ${accepted} were accepted: the damage proves nothing`);
  });

  it('have the same meaning whatever the chunks, also when they are broken', async (context) => {
    const outcome = async (chunks: readonly Buffer[], boundary: string) =>
      readByUs(chunks, boundary).catch((error: unknown) => {
        assert.ok(isStowageError(error));
        return error.code;
      });
    const noise = fc.array(
      fc.oneof(
        fc.constantFrom(
          '--X',
          '\r\n',
          '--',
          ' ',
          'Content-Disposition: form-data; name=a',
          ':',
          '; filename=b',
          'é',
          '\0',
        ),
        fc.string(),
      ),
      { maxLength: 30 },
    );
    const property = fc.asyncProperty(noise, SIZES, async (pieces, sizes) => {
      const bytes = Buffer.from(pieces.join(''));
      assert.deepEqual(await outcome(cut(bytes, sizes), 'X'), await outcome([bytes], 'X'));
    });
    await check(context, property);
  });
});
