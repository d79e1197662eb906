import assert from 'node:assert/strict';
import { test } from 'node:test';
import { escapeText, readElement, readElements } from './xml.ts';

const LISTING =
  '<?xml version="1.0"?><List><Part><ETag>&quot;a&amp;b&quot;</ETag></Part><Part><ETag>&#99;&#x64;</ETag></Part></List>';

test('elements are read in their order, the text of one decoded', () => {
  const parts = readElements(LISTING, 'Part');
  assert.deepEqual(
    parts.map((inside) => readElement(inside, 'ETag')),
    ['"a&b"', 'cd'],
  );
  assert.equal(readElement(LISTING, 'ETag'), '"a&b"');
});

test('an element that is missing or never ends is not there', () => {
  assert.equal(readElement(LISTING, 'Key'), undefined);
  assert.equal(readElement('<Key>cut of', 'Key'), undefined);
  assert.deepEqual(readElements('<Key>whole</Key><Key>cut of', 'Key'), ['whole']);
});

test('escaped text comes back as it was', () => {
  const text = `a < b & c > "d" 'e' &amp; ünïcödé 🗄`;
  assert.equal(readElement(`<Key>${escapeText(text)}</Key>`, 'Key'), text);
});
