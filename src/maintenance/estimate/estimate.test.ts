import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { GIB } from '../../core/bytes.ts';
import { type Bill, estimate, type MonthOfUse } from './estimate.ts';
import { type Assumptions, monthOfUse } from './growth.ts';
import { PRICES, PRICES_AS_OF, type Step } from './prices.ts';

const MONTH: MonthOfUse = {
  storedBytes: 1000 * GIB,
  uploads: 10_000,
  downloads: 1_000_000,
  downloadedBytes: 2000 * GIB,
  cdnHitRate: 0.9,
};
const [AWS, AZURE, GCP] = estimate(MONTH, ['aws', 'azure', 'gcp']);
assert.ok(AWS && AZURE && GCP);

/** Bills are compared to a thousandth of a cent. */
const close = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < 1e-5, `${actual} instead of ${expected}`);
const line = (bill: Bill, what: RegExp) => {
  const found = bill.lines.find((each) => what.test(each.what));
  assert.ok(found, String(what));
  return found;
};

describe('a month on AWS', () => {
  test('is what one works out by hand', () => {
    const egress = 100 * 0 + 1900 * 0.09;
    close(AWS.direct.dollars, 1000 * 0.023 + 10 * 0.005 + 1000 * 0.0004 + egress);
    assert.equal(line(AWS.direct, /internet/).arithmetic, '100 GiB × $0 + 1,900 GiB × $0.09');
    assert.equal(line(AWS.direct, /^Storage/).arithmetic, '1,000 GiB × $0.023');
    assert.equal(line(AWS.direct, /^Uploads/).arithmetic, '10,000 × $0.005 / 1,000');
  });

  test('by way of CloudFront pays the edge, and the store for misses alone', () => {
    close(AWS.viaCdn.dollars, 1000 * 0.023 + 10 * 0.005 + 100 * 0.0004 + (2000 - 1024) * 0.085);
    assert.equal(line(AWS.viaCdn, /requests/).arithmetic, '1,000,000, 10,000,000 free → 0 × $0.01 / 10,000');
  });

  test('in a colder class pays for each read of it', () => {
    const cold = AWS.classes.find(({ name }) => name === 'S3 Standard-IA');
    assert.ok(cold);
    close(cold.dollars, 1000 * 0.0125 + 10 * 0.01 + 1000 * 0.001 + 2000 * 0.01 + 1900 * 0.09);
    assert.equal(cold.daysMin, 30);
  });
});

test('a month on Azure has the base of its CDN, and one on Google what filling costs', () => {
  close(AZURE.viaCdn.dollars, 1000 * 0.0184 + 10 * 0.005 + 100 * 0.0004 + 2000 * 0.083 + 100 * 0.009 + 35);
  close(
    GCP.viaCdn.dollars,
    1000 * 0.02 + 10 * 0.005 + 100 * 0.0004 + 2000 * 0.08 + 100 * 0.0075 + 200 * 0.01,
  );
  close(GCP.direct.dollars, 1000 * 0.02 + 10 * 0.005 + 1000 * 0.0004 + 1024 * 0.12 + 976 * 0.11);
});

test('steps are filled one after the other, to the last one without end', () => {
  const [huge] = estimate({ ...MONTH, storedBytes: 600 * 1024 * GIB, downloads: 0, downloadedBytes: 0 }, [
    'aws',
  ]);
  assert.ok(huge);
  const tib = 1024;
  close(line(huge.direct, /^Storage/).dollars, 50 * tib * 0.023 + 450 * tib * 0.022 + 100 * tib * 0.021);
  assert.equal(
    line(huge.direct, /^Storage/).arithmetic,
    '51,200 GiB × $0.023 + 460,800 GiB × $0.022 + 102,400 GiB × $0.021',
  );
});

test('nothing costs nothing, but for what is due whatever happens', () => {
  const empty = { storedBytes: 0, uploads: 0, downloads: 0, downloadedBytes: 0, cdnHitRate: 0.9 };
  const bills = estimate(empty, ['aws', 'azure', 'gcp']);
  assert.deepEqual(
    bills.map(({ direct, viaCdn }) => [direct.dollars, viaCdn.dollars]),
    [
      [0, 0],
      [0, 35],
      [0, 0],
    ],
  );
});

test('every line is its own arithmetic, worked out again from the text', () => {
  for (const { direct, viaCdn, classes } of [AWS, AZURE, GCP]) {
    for (const { what, arithmetic, dollars } of [direct, viaCdn, ...classes].flatMap(({ lines }) => lines)) {
      const sum = (arithmetic.split('→').at(-1) ?? '').replaceAll(',', '').split('+');
      const value = sum.reduce((total, product) => {
        const [amount = '', price = '', per = '1'] = product.split(/×|\//);
        return total + (Number.parseFloat(amount) * Number(price.trim().replace('$', ''))) / Number(per);
      }, 0);
      assert.ok(Math.abs(value - dollars) < 0.01, `${what}: ${arithmetic} is ${value}, not ${dollars}`);
    }
  }
});

describe('growth', () => {
  const stored = { files: 100, bytes: 200 * GIB };
  const base: Assumptions = {
    growth: { share: 0 },
    downloadsPerFile: 1,
    uploads: null,
    downloadBytes: null,
    cdnHitRate: 0.9,
  };

  test('by a share compounds; files, uploads and downloads grow with it', () => {
    const use = monthOfUse(stored, { ...base, growth: { share: 0.1 } }, 2);
    close(use.storedBytes / GIB, 242);
    assert.equal(use.downloads, 121);
    assert.equal(use.uploads, 12);
    close(use.downloadedBytes / GIB, 242);
  });

  test('by a size adds it each month', () => {
    const use = monthOfUse(stored, { ...base, growth: { bytes: 10 * GIB }, downloadsPerFile: 10 }, 12);
    assert.deepEqual([use.storedBytes / GIB, use.uploads, use.downloads], [320, 5, 1600]);
  });

  test('of nothing is nothing, and what is said counts', () => {
    const none = monthOfUse({ files: 0, bytes: 0 }, base, 12);
    assert.deepEqual([none.storedBytes, none.uploads, none.downloads, none.downloadedBytes], [0, 0, 0, 0]);
    const said = monthOfUse(stored, { ...base, uploads: 7, downloadBytes: 3 }, 0);
    assert.deepEqual([said.uploads, said.downloadedBytes], [7, 300]);
  });
});

describe('the price table', () => {
  test('has a month, and a page for every price', () => {
    assert.match(PRICES_AS_OF, /^20\d\d-(0[1-9]|1[0-2])$/);
    for (const { sources } of Object.values(PRICES)) {
      assert.ok(sources.length >= 3);
      for (const source of sources)
        assert.match(source, /^https:\/\/(aws\.amazon|azure\.microsoft|cloud\.google)\.com\//);
    }
  });

  test('has steps that rise in amount, fall in price after what is free, and end', () => {
    for (const { classes, egress, cdn } of Object.values(PRICES)) {
      const all: readonly (readonly Step[])[] = [
        ...classes.map(({ storage }) => storage),
        egress,
        cdn.egress,
      ];
      for (const steps of all) {
        assert.equal(steps.at(-1)?.upTo, null);
        const ends = steps.slice(0, -1).map(({ upTo }) => upTo ?? 0);
        assert.deepEqual(
          ends,
          ends.toSorted((a, b) => a - b),
        );
        const paid = steps.map(({ price }) => price).filter((price) => price > 0);
        assert.deepEqual(
          paid,
          paid.toSorted((a, b) => b - a),
        );
      }
    }
  });

  test('is what the guide shows', () => {
    const guide = readFileSync(path.join(import.meta.dirname, '../../../docs/guides/cost.md'), 'utf8');
    assert.ok(guide.includes(`list prices as of ${PRICES_AS_OF}`), 'the month');
    for (const { name, place, classes, cdn, sources } of Object.values(PRICES)) {
      for (const each of classes) {
        const row = `| ${name}, ${place} | ${each.name} | $${each.storage[0]?.price} | $${each.writes} | $${each.reads} | $${each.retrieval} | ${each.daysMin} |`;
        assert.ok(guide.includes(row), row);
      }
      assert.ok(guide.includes(`| ${cdn.name} | $${cdn.base} |`), cdn.name);
      for (const source of sources) assert.ok(guide.includes(source), source);
    }
  });
});
