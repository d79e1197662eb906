import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import type { AssetType } from '../core/asset-type.ts';
import { isStowageError, StowageError } from '../core/errors.ts';
import { admit } from './admit.ts';
import type { UploadClaim } from './gate.ts';
import { brokenRule } from './refusal.ts';
import { inspectorFor, uninspectedTypes } from './registry.ts';
import { EVERYTHING, inChunks, sendThrough, watchedChunks } from './samples/admission.ts';
import { buildMp4 } from './samples/iso.ts';
import { buildJpeg } from './samples/jpeg.ts';
import { buildPng } from './samples/png.ts';
import { buildZip } from './samples/zip-builder.ts';

const photo = buildJpeg({ metadata: [], after: Buffer.alloc(20_000) });
const sha256 = createHash('sha256').update(photo).digest();

function claim(changes: Partial<UploadClaim> = {}): UploadClaim {
  return { filename: 'photo.jpg', mediaType: 'image/jpeg', sizeBytes: null, sha256: null, ...changes };
}

function limitedTo(fileBytesMax: number): AssetType {
  return { ...EVERYTHING, name: 'brand_image', fileBytesMax };
}

async function refusal(changes: Partial<UploadClaim>, assetType = EVERYTHING): Promise<StowageError> {
  const outcome = await sendThrough(
    inChunks(photo, () => 1000),
    claim(changes),
    assetType,
  );
  assert.ok('error' in outcome && isStowageError(outcome.error), 'the file is refused');
  return outcome.error;
}

describe('admit', () => {
  test('a file that passes has its name, type, size and digest in the verdict', async () => {
    const admission = await admit(
      inChunks(photo, () => 1000),
      claim({ filename: 'Cafe\u0301.JPG' }),
      EVERYTHING,
    );
    assert.equal(admission.mediaType, 'image/jpeg');
    assert.deepEqual(admission.name, { filename: 'Café.JPG', extension: 'jpg', candidates: ['image/jpeg'] });
    assert.throws(() => admission.verdict(), /after the body was read/);
    for await (const _ of admission.body);
    assert.deepEqual(admission.verdict(), {
      filename: 'Café.JPG',
      mediaType: 'image/jpeg',
      sizeBytes: photo.length,
      sha256,
    });
  });

  test('a small file can be had again once it was judged, chunk by chunk as it came', async () => {
    const { seen, body } = watchedChunks(photo, 7_000);
    const admission = await admit(body, claim(), EVERYTHING, { keptBytesMax: photo.length });
    const passed: Uint8Array[] = [];
    for await (const chunk of admission.body) {
      assert.equal(admission.again(), null, 'its end is not known yet');
      passed.push(chunk);
    }
    const verdict = admission.verdict();
    for (const time of ['once', 'twice']) {
      const again: Uint8Array[] = [];
      for await (const chunk of admission.again() ?? assert.fail(time)) again.push(chunk);
      assert.equal(again.length, passed.length);
      assert.ok(
        again.every((chunk, index) => chunk === passed[index]),
        'nothing is copied',
      );
    }
    assert.equal(admission.verdict(), verdict);
    assert.deepEqual(seen, { chunks: Math.ceil(photo.length / 7_000), closed: 1 });
  });

  test('a file can be had once only when it is larger than what is kept, left early or refused', async () => {
    const bytesOf = (bytes: Buffer) => inChunks(bytes, () => 1000);
    const drained = async (...args: Parameters<typeof admit>) => {
      const admission = await admit(...args);
      const outcome = (async () => {
        for await (const _ of admission.body);
      })();
      return { again: await outcome.then(admission.again, () => admission.again()) };
    };
    const keptBytesMax = photo.length - 1;
    assert.deepEqual(await drained(bytesOf(photo), claim(), EVERYTHING), { again: null });
    assert.deepEqual(await drained(bytesOf(photo), claim(), EVERYTHING, { keptBytesMax }), { again: null });
    const announced = claim({ sizeBytes: photo.length });
    assert.deepEqual(await drained(bytesOf(photo), announced, EVERYTHING, { keptBytesMax }), { again: null });
    const other = claim({ sha256: createHash('sha256').digest() });
    const large = { keptBytesMax: 2 * photo.length };
    assert.deepEqual(await drained(bytesOf(photo), other, EVERYTHING, large), { again: null });
    const admission = await admit(bytesOf(photo), claim(), EVERYTHING, large);
    for await (const _ of admission.body) break;
    assert.equal(admission.again(), null);
    const tiny = await drained(
      inChunks(photo, () => 10),
      claim(),
      EVERYTHING,
      large,
    );
    assert.deepEqual(tiny, { again: null }, 'the number of chunks is bounded too');
  });

  test('what was announced rightly is no obstacle', async () => {
    const outcome = await sendThrough(
      inChunks(photo, () => 999),
      claim({ sizeBytes: photo.length, sha256 }),
    );
    assert.ok('verdict' in outcome);
  });

  test('a file of exactly the limit passes, and one byte more does not', async () => {
    const outcome = await sendThrough(
      inChunks(photo, () => 999),
      claim(),
      limitedTo(photo.length),
    );
    assert.ok('verdict' in outcome);
    const error = await refusal({}, limitedTo(photo.length - 1));
    assert.equal(error.code, 'file_too_large');
    assert.equal(brokenRule(error), 'size.over_limit');
    assert.equal(error.fields.limit_bytes, photo.length - 1);
    assert.match(error.message, /brand_image/);
  });

  for (const [extension, mediaType, picture] of [
    ['jpg', 'image/jpeg', photo],
    ['png', 'image/png', buildPng()],
  ] as const) {
    test(`a .${extension} that padding makes too large is too large, and otherwise its padding is too much`, async () => {
      const MIB = 1024 * 1024;
      const padded = (...more: Buffer[]) =>
        watchedChunks(Buffer.concat([picture, Buffer.alloc(3 * MIB), ...more]), 65_536);
      const send = async ({ body }: ReturnType<typeof watchedChunks>, limitBytes: number) => {
        const outcome = await sendThrough(
          body,
          claim({ filename: `photo.${extension}`, mediaType }),
          limitedTo(limitBytes),
        );
        assert.ok('error' in outcome && isStowageError(outcome.error));
        return outcome.error.code;
      };
      assert.equal(await send(padded(), 2 * MIB), 'file_too_large');
      assert.equal(await send(padded(), 9 * MIB), 'suspicious_content');
      const hostile = padded(Buffer.from('<?php'), Buffer.alloc(4 * MIB));
      assert.equal(await send(hostile, 9 * MIB), 'suspicious_content');
      assert.ok(hostile.seen.chunks <= 60, 'the rest was read');
    });
  }

  test('the limit stops the source at once, whatever was announced or left out', async () => {
    const { seen, body } = watchedChunks(photo, 1000);
    const outcome = await sendThrough(body, claim({ sizeBytes: 100 }), limitedTo(7000));
    assert.ok('error' in outcome && isStowageError(outcome.error));
    assert.ok(seen.chunks <= 8, `${seen.chunks} chunks were read`);
    assert.equal(seen.closed, 1);
  });

  test('an announced size over the limit is refused before a byte is read', async () => {
    const { seen, body } = watchedChunks(photo, 1000);
    const outcome = await sendThrough(body, claim({ sizeBytes: 7001 }), limitedTo(7000));
    assert.ok('error' in outcome);
    assert.equal(brokenRule(outcome.error), 'size.announced_over_limit');
    assert.equal(seen.chunks, 0);
  });

  test('an announced size or digest that is not the file’s is refused', async () => {
    const wrong = Buffer.alloc(32);
    for (const [changes, code, rule] of [
      [{ sizeBytes: photo.length - 1 }, 'malformed_request', 'size.more_than_announced'],
      [{ sizeBytes: photo.length + 1 }, 'malformed_request', 'size.fewer_than_announced'],
      [{ sizeBytes: -1 }, 'malformed_request', 'size.malformed'],
      [{ sizeBytes: 1.5 }, 'malformed_request', 'size.malformed'],
      [{ sha256: wrong }, 'digest_mismatch', 'digest.differs'],
      [{ sha256: sha256.subarray(1) }, 'malformed_request', 'digest.malformed'],
    ] as const) {
      const error = await refusal(changes);
      assert.equal(error.code, code, rule);
      assert.equal(brokenRule(error), rule);
    }
  });

  test('a conflict tells what was declared, named and found', async () => {
    const outcome = await sendThrough(
      inChunks(buildMp4(), () => 64),
      claim(),
    );
    assert.ok('error' in outcome && isStowageError(outcome.error, 'file_type_mismatch'));
    assert.deepEqual(outcome.error.fields, {
      declared: 'image/jpeg',
      extension: 'jpg',
      detected: 'video/mp4',
    });
  });

  test('a conflict of the declared type and the name tells what the content is as well', async () => {
    const { fields } = await refusal({ mediaType: 'image/png' });
    assert.deepEqual(fields, { declared: 'image/png', extension: 'jpg', detected: 'image/jpeg' });
    const outcome = await sendThrough(
      inChunks(Buffer.from([1, 2, 3]), () => 1),
      claim({ mediaType: 'image/png' }),
    );
    assert.ok('error' in outcome && isStowageError(outcome.error, 'file_type_mismatch'));
    assert.equal(brokenRule(outcome.error), 'declared.conflicts_with_extension');
    assert.deepEqual(outcome.error.fields, { declared: 'image/png', extension: 'jpg' });
  });

  test('an incomplete file tells what was declared, named and found', async () => {
    const outcome = await sendThrough(
      inChunks(photo.subarray(0, 100), () => 64),
      claim(),
    );
    assert.ok('error' in outcome && isStowageError(outcome.error, 'file_type_mismatch'));
    assert.deepEqual(outcome.error.fields, {
      declared: 'image/jpeg',
      extension: 'jpg',
      detected: 'image/jpeg',
    });
  });

  test('what a file is that is no whole PDF and no Office document is told as well', async () => {
    const pdf = Buffer.from('%PDF-1.7\n1 0 obj\n<</Type/Catalog');
    const archive = buildZip([{ name: 'a.txt', data: 'x' }]);
    for (const [bytes, filename, detected] of [
      [pdf, 'a.pdf', 'application/pdf'],
      [archive, 'a.docx', 'application/zip'],
    ] as const) {
      const outcome = await sendThrough(
        inChunks(bytes, () => 64),
        claim({ filename, mediaType: null }),
        EVERYTHING,
      );
      assert.ok('error' in outcome && isStowageError(outcome.error, 'file_type_mismatch'), filename);
      assert.equal(outcome.error.fields.detected, detected);
    }
  });

  test('an error of the source passes through, before and after the head', async () => {
    for (const failAt of [500, 15_000]) {
      async function* source() {
        yield photo.subarray(0, failAt);
        throw new StowageError('malformed_request', 'The connection was cut.');
      }
      const outcome = await sendThrough(source(), claim());
      assert.ok('error' in outcome && isStowageError(outcome.error, 'malformed_request'));
      assert.equal(brokenRule(outcome.error), undefined);
    }
  });

  test('a source that is not read to its end is closed once', async () => {
    for (const read of [
      async () => {},
      async (body: AsyncIterable<Uint8Array>) => {
        for await (const _ of body) break;
      },
    ]) {
      const { seen, body } = watchedChunks(photo, 1000);
      const admission = await admit(body, claim(), EVERYTHING);
      await read(admission.body);
      await admission.body[Symbol.asyncIterator]().return?.();
      assert.equal(seen.closed, 1);
      assert.deepEqual(await admission.body[Symbol.asyncIterator]().next(), { done: true, value: undefined });
      assert.throws(() => admission.verdict());
    }
  });

  test('a name that is refused closes the source unread', async () => {
    const { seen, body } = watchedChunks(photo, 1000);
    const outcome = await sendThrough(body, claim({ filename: 'a.exe' }));
    assert.ok('error' in outcome && isStowageError(outcome.error, 'invalid_file_type'));
    assert.equal(seen.chunks, 0);
  });

  test('an abort ends the wait for a source that hangs, in the head and after it', async () => {
    for (const bytesBefore of [0, 10_000]) {
      const abort = new AbortController();
      async function* source() {
        if (bytesBefore > 0) yield photo.subarray(0, bytesBefore);
        queueMicrotask(() => abort.abort());
        await new Promise(() => {});
      }
      await assert.rejects(
        async () => {
          const admission = await admit(source(), claim(), EVERYTHING, { signal: abort.signal });
          for await (const _ of admission.body);
        },
        (error) => isStowageError(error, 'aborted'),
      );
    }
  });

  test('empty chunks are passed over', async () => {
    async function* source() {
      yield Buffer.alloc(0);
      yield* inChunks(photo, () => 5000);
      yield Buffer.alloc(0);
    }
    const outcome = await sendThrough(source(), claim());
    assert.ok('verdict' in outcome);
  });

  test('media types that no inspector knows are named, so that a start can refuse them', () => {
    assert.deepEqual(uninspectedTypes(new Map([['a', EVERYTHING]])), []);
    const odd = {
      ...EVERYTHING,
      accepts: { 'image/jpg': ['jpg'], 'model/stl': ['stl'], 'audio/mpeg': ['mp3'] },
    };
    assert.deepEqual(uninspectedTypes(new Map([['a', odd]])), ['audio/mpeg', 'model/stl']);
    assert.equal(inspectorFor('text/html'), undefined);
  });
});
