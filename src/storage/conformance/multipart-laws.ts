import assert from 'node:assert/strict';
import { KIB } from '../../core/bytes.ts';
import type { Law, LawSubject, Laws } from './law.ts';
import {
  abortOnItsWay,
  abortWhileSilent,
  assertAbsent,
  assertSameInfo,
  CREATE,
  chunks,
  inChunks,
  listKeys,
  noise,
  REPLACE,
  readBytes,
  readIfThere,
  readText,
  refuses,
  sha256,
} from './material.ts';

export const MULTIPART_LAWS: Laws = {
  'parts in any order make one object': withParts(async ({ bucket, base, backend }) => {
    const first = noise(partBytes({ backend }), 10);
    const last = noise(1000, 11);
    const headers = { contentType: 'video/mp4', cacheControl: 'no-store', metadata: { which: 'parts' } };
    const upload = await bucket.beginMultipart(`${base}a`, { ...CREATE, ...headers });
    const [two, one] = await Promise.all([
      upload.putPart(2, inChunks(last, 300), { sizeBytes: last.byteLength }),
      upload.putPart(1, inChunks(first, 64 * KIB), { sizeBytes: first.byteLength }),
    ]);
    await assertAbsent(bucket, `${base}a`, base);
    assert.deepEqual(await upload.listParts({}), [one, two]);
    const info = await upload.complete([one, two], CREATE);
    assert.equal(info.sizeBytes, first.byteLength + last.byteLength);
    assert.equal(sha256(await readBytes(bucket, `${base}a`)), sha256(Buffer.concat([first, last])));
    const { contentType, cacheControl, metadata } = info;
    assert.deepEqual({ contentType, cacheControl, metadata }, headers);
    assertSameInfo(await bucket.head(`${base}a`, {}), info);
  }),

  'one part is enough, and it may be small': withParts(async ({ bucket, base }) => {
    const upload = await bucket.beginMultipart(`${base}a`, REPLACE);
    const part = await upload.putPart(1, chunks('small'), { sizeBytes: 5 });
    await upload.complete([part], CREATE);
    assert.equal(await readText(bucket, `${base}a`), 'small');
  }),

  'a part sent again replaces the earlier one': withParts(async ({ bucket, base }) => {
    const upload = await bucket.beginMultipart(`${base}a`, REPLACE);
    await upload.putPart(1, chunks('first try'), { sizeBytes: 9 });
    const part = await upload.putPart(1, chunks('second'), { sizeBytes: 6 });
    assert.deepEqual(await upload.listParts({}), [part]);
    await upload.complete([part], CREATE);
    assert.equal(await readText(bucket, `${base}a`), 'second');
  }),

  'an upload can be taken up again by its id': withParts(async ({ bucket, base }) => {
    const begun = await bucket.beginMultipart(`${base}a`, REPLACE);
    await begun.putPart(1, chunks('hello'), { sizeBytes: 5 });
    const resumed = bucket.resumeMultipart(`${base}a`, begun.uploadId, REPLACE);
    await resumed.complete(await resumed.listParts({}), CREATE);
    assert.equal(await readText(bucket, `${base}a`), 'hello');
  }),

  'an aborted upload leaves nothing, and can be aborted again': withParts(async ({ bucket, base }) => {
    const upload = await bucket.beginMultipart(`${base}a`, REPLACE);
    const part = await upload.putPart(1, chunks('hello'), { sizeBytes: 5 });
    await upload.abort({});
    await upload.abort({});
    await refuses('conflict', upload.complete([part], CREATE));
    await assertAbsent(bucket, `${base}a`, base);
  }),

  'a missing part is a conflict, and the upload goes on': withParts(async ({ bucket, base, backend }) => {
    const upload = await bucket.beginMultipart(`${base}a`, REPLACE);
    const first = noise(partBytes({ backend }), 12);
    const one = await upload.putPart(1, inChunks(first, 64 * KIB), { sizeBytes: first.byteLength });
    await refuses('conflict', upload.complete([one, { ...one, partNumber: 2 }], CREATE));
    await assertAbsent(bucket, `${base}a`, base);
    await upload.complete([one], CREATE);
    assert.equal(sha256(await readBytes(bucket, `${base}a`)), sha256(first));
  }),

  'completing in mode create refuses a taken key': withParts(async ({ bucket, base }) => {
    const upload = await bucket.beginMultipart(`${base}a`, REPLACE);
    const part = await upload.putPart(1, chunks('parts'), { sizeBytes: 5 });
    await bucket.put(`${base}a`, chunks('old'), CREATE);
    await refuses('object_exists', upload.complete([part], CREATE));
    assert.equal(await readText(bucket, `${base}a`), 'old');
    assert.deepEqual(await listKeys(bucket, base), [`${base}a`]);
    await upload.abort({});
  }),

  'a part of another size than announced is refused': withParts(async ({ bucket, base }) => {
    const upload = await bucket.beginMultipart(`${base}a`, REPLACE);
    await refuses('file_too_large', upload.putPart(1, chunks('longer'), { sizeBytes: 5 }));
    await refuses('malformed_request', upload.putPart(1, chunks('shor'), { sizeBytes: 5 }));
    assert.deepEqual(await upload.listParts({}), []);
    await upload.abort({});
  }),

  'a part that is aborted on its way ends at once and is none': withParts(async ({ bucket, base }) => {
    const upload = await bucket.beginMultipart(`${base}a`, REPLACE);
    await abortWhileSilent(Buffer.from('par'), (body, signal) =>
      upload.putPart(1, body, { sizeBytes: 5, signal }),
    );
    assert.deepEqual(await upload.listParts({}), []);
    const part = await upload.putPart(1, chunks('small'), { sizeBytes: 5 });
    await upload.complete([part], CREATE);
    assert.equal(await readText(bucket, `${base}a`), 'small');
  }),

  'completing that is aborted on its way makes the object or nothing': withParts(async ({ bucket, base }) => {
    const upload = await bucket.beginMultipart(`${base}a`, REPLACE);
    const part = await upload.putPart(1, chunks('small'), { sizeBytes: 5 });
    const done = await abortOnItsWay((signal) => upload.complete([part], { ...CREATE, signal }));
    const text = (await readIfThere(bucket, `${base}a`))?.toString();
    assert.ok(text === 'small' || (text === undefined && done === null), text);
    await upload.abort({});
  }),

  'an upload in parts whose signal has fired already goes no further': withParts(async ({ bucket, base }) => {
    const signal = AbortSignal.abort();
    await refuses('aborted', bucket.beginMultipart(`${base}a`, { ...REPLACE, signal }));
    const upload = await bucket.beginMultipart(`${base}a`, REPLACE);
    await refuses('aborted', upload.putPart(1, chunks('first'), { sizeBytes: 5, signal }));
    const part = await upload.putPart(1, chunks('small'), { sizeBytes: 5 });
    await refuses('aborted', upload.listParts({ signal }));
    await refuses('aborted', upload.complete([part], { ...CREATE, signal }));
    await assertAbsent(bucket, `${base}a`, base);
    await upload.complete([part], CREATE);
    assert.equal(await readText(bucket, `${base}a`), 'small');
  }),

  'part numbers outside the plan are refused': withParts(async ({ bucket, base, backend }) => {
    const upload = await bucket.beginMultipart(`${base}a`, REPLACE);
    for (const partNumber of [0, -1, 1.5, backend.capabilities.partsMax + 1]) {
      await refuses('invalid_parameter', upload.putPart(partNumber, chunks('x'), { sizeBytes: 1 }));
    }
    const receipt = { partNumber: 1, sizeBytes: 1, receipt: 'x' };
    await refuses('invalid_parameter', upload.complete([receipt, receipt], CREATE));
    await refuses('invalid_parameter', upload.complete([], CREATE));
    await upload.abort({});
  }),
};

/** A law about parts; a store that takes none must say so. */
export function withParts(law: Law): Law {
  return async (subject) => {
    if (subject.backend.capabilities.multipart) return law(subject);
    await refuses('capability_missing', subject.bucket.beginMultipart(`${subject.base}a`, REPLACE));
    await refuses('capability_missing', () =>
      subject.bucket.resumeMultipart(`${subject.base}a`, 'x', REPLACE),
    );
  };
}

/** Size of a part that is not the last, in bytes. */
function partBytes({ backend }: Pick<LawSubject, 'backend'>): number {
  return Math.max(backend.capabilities.partBytesMin, 300 * KIB);
}
