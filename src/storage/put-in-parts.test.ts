import assert from 'node:assert/strict';
import { test } from 'node:test';
import { collectBytes, MIB } from '../core/bytes.ts';
import { isStowageError, StowageError } from '../core/errors.ts';
import { AbortRace } from './abort-race.ts';
import type { MultipartUpload } from './backend.ts';
import { noise } from './conformance/material.ts';
import { collectUpTo, PARTS_IN_FLIGHT_MAX, PUT_PART_BYTES, putInParts } from './put-in-parts.ts';

const PUT = { mode: 'replace', contentType: 'text/plain', cacheControl: '', metadata: {} } as const;

/** Parts in memory, and how they were sent. */
function openParts(beforePart: (partNumber: number) => Promise<void> = async () => undefined) {
  const parts = new Map<number, Buffer>();
  const seen = { inFlight: 0, inFlightMax: 0, aborted: 0, whole: Buffer.alloc(0) };
  const unused = async (): Promise<never> => assert.fail('not called');
  const upload: MultipartUpload = {
    uploadId: 'u',
    async putPart(partNumber, body, { sizeBytes }) {
      seen.inFlight += 1;
      seen.inFlightMax = Math.max(seen.inFlightMax, seen.inFlight);
      try {
        await beforePart(partNumber);
        const bytes = await collectBytes(body, 64 * MIB);
        assert.equal(bytes.byteLength, sizeBytes);
        parts.set(partNumber, bytes);
        return { partNumber, sizeBytes, receipt: `${partNumber}` };
      } finally {
        seen.inFlight -= 1;
      }
    },
    async complete(receipts) {
      assert.equal(seen.inFlight, 0);
      seen.whole = Buffer.concat(receipts.map(({ partNumber }) => parts.get(partNumber) ?? Buffer.alloc(0)));
      return { sizeBytes: seen.whole.byteLength } as Awaited<ReturnType<MultipartUpload['complete']>>;
    },
    async abort() {
      seen.aborted += 1;
    },
    signPart: unused,
    listParts: unused,
  };
  return { upload, seen };
}

async function put(upload: MultipartUpload, body: AsyncGenerator<Uint8Array>, signal?: AbortSignal) {
  using race = new AbortRace(signal);
  const start = await collectUpTo(body, PUT_PART_BYTES, race);
  return await putInParts(
    upload,
    { source: body, start, race },
    signal === undefined ? PUT : { ...PUT, signal },
  );
}

test('a body goes up in parts, in order, only a few at once', async () => {
  const bytes = noise(8 * PUT_PART_BYTES + 123, 1);
  const { upload, seen } = openParts(() => new Promise(setImmediate));
  await put(
    upload,
    (async function* () {
      for (let at = 0; at < bytes.byteLength; at += MIB) yield bytes.subarray(at, at + MIB);
    })(),
  );
  assert.equal(seen.whole.equals(bytes), true);
  assert.ok(seen.inFlightMax <= PARTS_IN_FLIGHT_MAX, `${seen.inFlightMax} at once`);
  assert.equal(seen.aborted, 0);
});

test('a part that fails ends the upload with its error, and the parts are removed', async () => {
  const { upload, seen } = openParts(async (partNumber) => {
    if (partNumber === 2) throw new StowageError('storage_unavailable', 'The store is gone.');
  });
  const endless = (async function* () {
    for (;;) yield Buffer.alloc(PUT_PART_BYTES);
  })();
  await assert.rejects(put(upload, endless), (error) => isStowageError(error, 'storage_unavailable'));
  assert.equal(seen.aborted, 1);
  assert.equal(seen.inFlight, 0);
});

test('a signal ends the wait for a silent body, and the parts are removed', async () => {
  const { upload, seen } = openParts();
  const stop = new AbortController();
  const silent = (async function* () {
    yield Buffer.alloc(PUT_PART_BYTES);
    setImmediate(() => stop.abort());
    await new Promise(() => undefined);
  })();
  await assert.rejects(put(upload, silent, stop.signal), (error) => isStowageError(error, 'aborted'));
  assert.equal(seen.aborted, 1);
});
