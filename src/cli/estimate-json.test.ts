import assert from 'node:assert/strict';
import { test } from 'node:test';
import { estimateJson } from './estimate-json.ts';

test('an estimate is printed with every assumption, in snake_case', () => {
  const use = { storedBytes: 10, uploads: 1, downloads: 2, downloadedBytes: 20, cdnHitRate: 0.9 };
  const line = { what: 'Storage', arithmetic: '1 × $2', dollars: 2 };
  const bill = { lines: [line], dollars: 2 };
  const cold = { name: 'Cold', daysMin: 90, ...bill };
  const place = { provider: 'aws', name: 'AWS', place: 'here' } as const;
  assert.deepEqual(
    estimateJson({
      stored: { files: 1, bytes: 10 },
      usage: [{ assetType: 'image', backend: 's3', files: 1, bytes: 10 }],
      assumptions: {
        ...{ growth: { share: 0.1 }, downloadsPerFile: 2, uploads: null, downloadBytes: null },
        cdnHitRate: 0.9,
      },
      months: [{ month: 0, use, providers: [{ ...place, direct: cold, viaCdn: bill, classes: [cold] }] }],
    }),
    {
      stored: { files: 1, bytes: 10 },
      usage: [{ asset_type: 'image', backend: 's3', files: 1, bytes: 10 }],
      assumptions: {
        ...{ growth: { share: 0.1 }, downloads_per_file: 2, uploads: null, download_bytes: null },
        cdn_hit_rate: 0.9,
      },
      months: [
        {
          month: 0,
          use: { stored_bytes: 10, uploads: 1, downloads: 2, downloaded_bytes: 20, cdn_hit_rate: 0.9 },
          providers: [
            { ...place, direct: bill, via_cdn: bill, classes: [{ name: 'Cold', days_min: 90, ...bill }] },
          ],
        },
      ],
    },
  );
});
