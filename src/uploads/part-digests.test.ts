import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { type ErrorCode, isStowageError } from '../core/errors.ts';
import { parsePartHeaders } from './form-headers.ts';
import {
  formRequest,
  type IntakeFixture,
  inChunks,
  note,
  openIntakeFixture,
  type PartToSend,
  TYPE,
} from './intake-fixture.ts';
import type { FormUploadRequest } from './upload.ts';

const CRC32 = 'crc32c=:AAAAAA==:';
const RIGHT = digestOf('This is a.txt.\n');
const WRONG = digestOf('This is b.txt.\n');

function digestOf(content: string): string {
  return `sha-256=:${createHash('sha256').update(content).digest('base64')}:`;
}

/** A file whose part has a Repr-Digest. */
function digested(filename: string, ...digests: readonly string[]) {
  return { ...note(filename), headers: digests.map((digest) => `Repr-Digest: ${digest}`) };
}

/** Nothing of the request is kept: no object, no row, nothing in the spool; and the refusal is logged. */
async function refused(
  fixture: IntakeFixture,
  request: FormUploadRequest,
  code: ErrorCode,
  fields: Readonly<Record<string, unknown>>,
): Promise<void> {
  const keys = await fixture.keys();
  const rows = await fixture.assets();
  const entries = await fixture.entries();
  await assert.rejects(fixture.intake.receiveForm(request), (error) => {
    assert.ok(isStowageError(error, code), String(error));
    assert.deepEqual(error.fields, fields);
    return true;
  });
  assert.deepEqual(await fixture.keys(), keys);
  assert.deepEqual(await fixture.spoolNames(), []);
  assert.deepEqual(await fixture.assets(), rows);
  const added = (await fixture.entries()).slice(entries.length);
  assert.deepEqual(
    added.map(({ outcome, reason }) => [outcome, reason]),
    [['refused', code]],
  );
}

/** With its asset type before the files, which are stored as they arrive, and after them, from the spool. */
const ORDERS = {
  'as it arrives': (...files: readonly PartToSend[]) => [TYPE, ...files],
  'from the spool': (...files: readonly PartToSend[]) => [...files, TYPE],
};

for (const [how, order] of Object.entries(ORDERS)) {
  describe(`the Repr-Digest of a part, stored ${how},`, () => {
    it('is no obstacle when it is right, alone, among others, in several headers', async () => {
      await using fixture = await openIntakeFixture();
      for (const digests of [[RIGHT], [`${CRC32}, ${RIGHT}`], [CRC32, RIGHT], [WRONG, RIGHT]]) {
        const { assets } = await fixture.intake.receiveForm(
          formRequest(order(digested('a.txt', ...digests))),
        );
        assert.equal(assets.length, 1, digests.join());
      }
    });

    it('refuses the file when it is wrong, and all that came with it', async () => {
      await using fixture = await openIntakeFixture();
      const differs = { filename: 'a.txt' };
      await refused(fixture, formRequest(order(digested('a.txt', WRONG))), 'digest_mismatch', differs);
      const last = formRequest(order(note('b.txt'), digested('a.txt', RIGHT, WRONG)));
      await refused(fixture, last, 'digest_mismatch', differs);
      const first = formRequest(order(digested('a.txt', WRONG), note('b.txt')));
      await refused(fixture, first, 'digest_mismatch', differs);
      const sent = formRequest([
        ...order(digested('a.txt', WRONG)),
        { name: 'sha256', value: createHash('sha256').update('This is a.txt.\n').digest('hex') },
      ]);
      await refused(fixture, sent, 'digest_mismatch', differs);
    });

    it('that can’t be read is refused like the request’s, and names the file', async () => {
      await using fixture = await openIntakeFixture();
      for (const digest of ['', 'sha-256=abc', 'sha-256=:AAAA:', ':::', `${RIGHT},`, `${RIGHT};x`]) {
        const request = formRequest(order(digested('a.txt', digest)));
        await refused(fixture, request, 'invalid_parameter', { parameter: 'Repr-Digest', filename: 'a.txt' });
        const ofRequest = formRequest(order(note('a.txt')), { reprDigest: digest });
        await refused(fixture, ofRequest, 'invalid_parameter', { parameter: 'Repr-Digest' });
      }
    });

    it('of another algorithm is not compared', async () => {
      await using fixture = await openIntakeFixture();
      const { assets } = await fixture.intake.receiveForm(formRequest(order(digested('a.txt', CRC32))));
      assert.equal(assets.length, 1);
    });
  });
}

describe('the Repr-Digest of a part', () => {
  it('means nothing on a field, and on a file that nobody chose', async () => {
    await using fixture = await openIntakeFixture();
    const headers = [`Repr-Digest: ${WRONG}`];
    const unchosen = { ...note('', ''), headers };
    const parts = [{ ...TYPE, headers }, unchosen, note('a.txt')];
    assert.equal((await fixture.intake.receiveForm(formRequest(parts))).assets.length, 1);
  });

  it('is read whatever the case of its name, and null when there is none', () => {
    const read = (...lines: readonly string[]) =>
      parsePartHeaders(
        Buffer.from(['Content-Disposition: form-data; name=a; filename=b', ...lines].join('\r\n')),
      ).reprDigest;
    assert.equal(read(), null);
    assert.equal(read('REPR-DIGEST:a=:b:'), 'a=:b:');
    assert.equal(read('repr-digest: a=:b:', 'X-Other: 1', 'Repr-Digest:  c=:d: '), 'a=:b:, c=:d:');
    assert.equal(read('Want-Repr-Digest: sha-256=1', 'Content-Digest: a=:b:'), null);
  });
});

describe('a request that is repeated under its Idempotency-Key', () => {
  const keyed = (...parts: readonly PartToSend[]) =>
    formRequest(parts, { idempotencyKey: 'k1', contentLength: null });
  const right = createHash('sha256').update('This is a.txt.\n').digest();
  const field = (digest: Buffer) => ({ name: 'sha256', value: digest.toString('hex') });

  it('is answered again with right digests, and refused with wrong ones', async () => {
    await using fixture = await openIntakeFixture();
    const wrong = createHash('sha256').digest();
    await fixture.intake.receiveForm(keyed(TYPE, digested('a.txt', RIGHT), field(right)));
    for (const parts of [
      [TYPE, digested('a.txt', RIGHT), field(right)],
      [TYPE, digested('a.txt', CRC32)],
      [TYPE, note('a.txt')],
    ]) {
      assert.ok((await fixture.intake.receiveForm(keyed(...parts))).replayed);
    }
    const differs = { filename: 'a.txt' };
    await refused(fixture, keyed(TYPE, digested('a.txt', WRONG)), 'digest_mismatch', differs);
    await refused(fixture, keyed(TYPE, note('a.txt'), field(wrong)), 'digest_mismatch', differs);
    const damaged = { ...digested('a.txt', RIGHT), value: 'This is A.txt.\n' };
    await refused(fixture, keyed(TYPE, damaged), 'digest_mismatch', differs);
    await refused(fixture, keyed(TYPE, { ...damaged, headers: [] }), 'conflict', {});
    // Whoever announces what was stored sent it, and other bytes arrived.
    for (const parts of [
      [TYPE, { ...damaged, headers: [] }, field(right)],
      [field(right), { ...damaged, headers: [] }, TYPE],
    ]) {
      await refused(fixture, keyed(...parts), 'digest_mismatch', differs);
    }
    const other = createHash('sha256').update(damaged.value).digest();
    await refused(fixture, keyed(TYPE, { ...damaged, headers: [] }, field(other)), 'conflict', {});
    const request = keyed(TYPE, { ...damaged, headers: [] });
    await refused(fixture, { ...request, reprDigest: RIGHT }, 'digest_mismatch', {});
    await refused(fixture, keyed(TYPE, digested('a.txt', 'x')), 'invalid_parameter', {
      parameter: 'Repr-Digest',
      filename: 'a.txt',
    });
    await refused(fixture, keyed(TYPE, note('a.txt'), field(right), field(right)), 'invalid_parameter', {
      parameter: 'sha256',
    });
  });

  it('is compared with its digest by the other doors as well', async () => {
    await using fixture = await openIntakeFixture();
    const text = Buffer.from('This is a.txt.\n');
    const send = async (sha256: Buffer | null) => {
      const claim = { filename: 'a.txt', mediaType: null, sizeBytes: null, sha256 };
      return await fixture.intake.receiveFile({
        ...keyed(),
        body: inChunks(text, 4),
        claim,
        assetType: 'note',
        fields: new Map(),
        metadata: {},
      });
    };
    await send(right);
    assert.ok((await send(right)).replayed);
    assert.ok((await send(null)).replayed);
    await assert.rejects(send(createHash('sha256').digest()), (error) =>
      isStowageError(error, 'digest_mismatch'),
    );
  });
});
