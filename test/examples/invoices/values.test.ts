import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openQueue } from '../../../examples/invoices/queue.ts';
import { findAmounts, findCurrency } from '../../../examples/invoices/reading/amounts.ts';
import { findDays } from '../../../examples/invoices/reading/dates.ts';
import { isStowageError } from '../../../src/core/errors.ts';

describe('values in the text of an invoice', () => {
  test('amounts are the same however thousands and decimals are parted', () => {
    for (const text of [
      '1.234,56 €',
      '$1,234.56',
      '1 234,56',
      "CHF 1'234.56",
      '1234,56',
      'EUR 1234.56',
      '1\u00a0234,56',
    ]) {
      assert.deepEqual(
        findAmounts(text).map(({ value }) => value),
        ['1234.56'],
        text,
      );
    }
    assert.deepEqual(
      findAmounts('-12,00').map(({ value }) => value),
      ['-12.00'],
    );
    assert.deepEqual(
      findAmounts('¥12,000').map(({ value }) => value),
      ['12000.00'],
    );
    assert.deepEqual(
      findAmounts('7 % on 210,00: 14,70').map(({ value }) => value),
      ['210.00', '14.70'],
    );
  });

  test('percentages, dates, numbers of things and of accounts are no amounts', () => {
    for (const text of [
      '19 %',
      '8.295%',
      '31.12.2025',
      '12/31/2025',
      '2025-0417',
      '24 pieces',
      '1.2.3.4',
      'DE02 1203 0000',
    ]) {
      assert.deepEqual(findAmounts(text), [], text);
    }
  });

  test('currencies are told by codes before signs, and less surely where several are named', () => {
    assert.equal(findCurrency('Total 5,00 €')?.value, 'EUR');
    assert.deepEqual(findCurrency('$5.00 CAD'), { value: 'CAD', confidence: 0.95 });
    assert.equal(findCurrency('USD 5.00 (EUR 4.50), USD only')?.confidence, 0.75);
    assert.equal(findCurrency('five'), null);
  });

  test('days are found in numbers and in words', () => {
    const days: readonly (readonly [string, string])[] = [
      ['31.12.2025', '2025-12-31'],
      ['2025-12-31', '2025-12-31'],
      ['31/12/25', '2025-12-31'],
      ['31 December 2025', '2025-12-31'],
      ['Dec 31, 2025', '2025-12-31'],
      ['31. Dezember 2025', '2025-12-31'],
      ['31 décembre 2025', '2025-12-31'],
      ['1er août 2025', '2025-08-01'],
      ['31 de diciembre de 2025', '2025-12-31'],
      ['3 maart 2025', '2025-03-03'],
      ['15 luglio 2025', '2025-07-15'],
    ];
    for (const [text, day] of days)
      assert.deepEqual(
        findDays(text, false).map((each) => each.day),
        [day],
        text,
      );
    for (const text of ['31.02.2025', '99/99/2025', '1.234,56', '3 of May']) {
      assert.deepEqual(findDays(text, false), [], text);
    }
  });

  test('a day whose month could be its day goes by the country, and is marked', () => {
    assert.deepEqual(findDays('03/04/2025', false), [{ day: '2025-04-03', at: 0, isAmbiguous: true }]);
    assert.deepEqual(findDays('03/04/2025', true), [{ day: '2025-03-04', at: 0, isAmbiguous: true }]);
    assert.deepEqual(findDays('12/31/2025', false), [{ day: '2025-12-31', at: 0, isAmbiguous: false }]);
    assert.deepEqual(findDays('03.04.2025', true), [{ day: '2025-04-03', at: 0, isAmbiguous: false }]);
  });
});

describe('a queue', () => {
  test('runs some at once, lets some wait, and sends the others away', async () => {
    const queue = openQueue({ atOnce: 2, waitingMax: 1 });
    const gate = Promise.withResolvers<string>();
    const started: number[] = [];
    const work = (name: number) =>
      queue(() => {
        started.push(name);
        return gate.promise;
      });
    const running = [work(1), work(2), work(3)];
    await assert.rejects(work(4), (error) => isStowageError(error, 'rate_limited'));
    assert.deepEqual(started, [1, 2]);
    gate.resolve('done');
    assert.deepEqual(await Promise.all(running), ['done', 'done', 'done']);
    assert.deepEqual(started, [1, 2, 3]);
    await assert.rejects(
      queue(() => Promise.reject(new Error('own'))),
      /own/,
    );
    assert.equal(await queue(async () => 'free again'), 'free again');
  });
});
