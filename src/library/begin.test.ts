import { after, before, describe, test } from 'node:test';
import { ALICE, type LibraryFixture, openLibraryFixture, refused } from './library-fixture.ts';

describe('what a page announced, handed on as it came', () => {
  let fixture: LibraryFixture;
  before(async () => {
    fixture = await openLibraryFixture();
  });
  after(() => fixture[Symbol.asyncDispose]());

  const begin = (facts: Readonly<Record<string, unknown>>) => {
    const announced = { user: ALICE, assetType: 'note', filename: 'a.txt', sizeBytes: 3, ...facts } as const;
    return fixture.stowage.begin(announced);
  };

  test('begins an upload, with null for what is not known', async () => {
    const { upload_id: uploadId } = await begin({ mediaType: null, sha256: null });
    await fixture.stowage.abandon(uploadId, ALICE);
  });

  test('is refused by the name of the parameter when it has another type', async () => {
    for (const [name, values] of [
      ['filename', [undefined, null, 7, ['a.txt']]],
      ['sizeBytes', [undefined, null, '3']],
      ['mediaType', [7, {}]],
      ['sha256', [7, 'abc']],
    ] as const) {
      for (const value of values) {
        await refused(begin({ [name]: value }), 'invalid_parameter', new RegExp(name));
      }
    }
    for (const value of [undefined, null, 1, { length: 1 }]) {
      const asked = fixture.stowage.signParts('01a1fe54-9b42-78c8-b095-9fd6478eb72c', value as never, ALICE);
      await refused(asked, 'invalid_parameter', /partNumbers/);
    }
  });
});
