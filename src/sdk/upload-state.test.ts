import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { firstState, parseUploadState, partCountOf, partRange } from './upload-state.ts';

const FILE = { filename: 'a.mp4', assetType: 'generated_video', sizeBytes: 25, sample: 'cafe' };
const BEGUN = {
  upload_id: 'u',
  expires_at: '2026-01-01T00:00:00.000Z',
  size_enforced_by: 'store',
} as const;
const parts = firstState(
  { ...BEGUN, method: 'multipart', part_size_bytes: 10, part_count: 3, parts: [] },
  FILE,
);
const single = firstState({ ...BEGUN, method: 'put', url: 'https://s.example/k', headers: { a: 'b' } }, FILE);

describe('the state of an upload', () => {
  it('tells where each part lies, the last being what is left', () => {
    assert.equal(partCountOf(parts), 3);
    assert.deepEqual(
      [1, 2, 3].map((number) => partRange(parts, number)),
      [
        { offset: 0, sizeBytes: 10 },
        { offset: 10, sizeBytes: 10 },
        { offset: 20, sizeBytes: 5 },
      ],
    );
    assert.equal(partCountOf(single), 1);
  });

  it('comes back from JSON as it was', () => {
    for (const state of [parts, single]) {
      assert.deepEqual(parseUploadState(JSON.stringify(state)), state);
      assert.deepEqual(parseUploadState(state), state);
    }
  });

  it('is refused when it is none', () => {
    const broken = [
      ...[null, undefined, '', '{', '[]', '{}', 7, 'null'],
      ...[{ version: 2 }, { sizeBytes: 0 }, { partBytes: 1.5 }, { sentParts: [0] }, { sentParts: 'all' }].map(
        (change) => ({ ...parts, ...change }),
      ),
      { ...single, request: { ...single.request, url: 7 } },
      { ...single, request: { ...single.request, headers: { a: 1 } } },
      { ...single, request: undefined },
    ];
    for (const each of broken) assert.throws(() => parseUploadState(each), { code: 'invalid_state' });
  });
});
