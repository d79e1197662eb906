import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import { isObjectKey, OBJECT_KEY_BYTES_MAX, parseKeyPrefix, parseObjectKey } from './key.ts';

const GOOD = [
  'a',
  'a/b',
  'brand-images/user-1/1700000000_ab12cd34_photo.jpg',
  'with space/and+plus&amp',
  'emoji/🚀/日本語.png',
  'case/A',
  'percent/%41',
  'dots/..a/a..b',
  'x'.repeat(512),
];
const BAD: Record<string, string> = {
  empty: '',
  'leading slash': '/a',
  'trailing slash': 'a/',
  'empty segment': 'a//b',
  'dot segment': 'a/./b',
  'parent segment': '../a',
  backslash: 'a\\b',
  'encoded parent': '%2e%2e/a',
  'encoded slash': 'a%2Fb',
  nul: 'a\0b',
  newline: 'a\nb',
  'trailing dot': 'a./b',
  'trailing space': 'a /b',
  'bidirectional override': 'a\u202egpj.exe',
  'lone surrogate': 'a\ud800',
  'not NFC': 'e\u0301',
  'long segment': 'x'.repeat(513),
  'long key': 'abcdefgh/'.repeat(114).slice(0, OBJECT_KEY_BYTES_MAX + 1),
};

describe('parseObjectKey', () => {
  for (const key of GOOD) it(`accepts ${key.slice(0, 40)}`, () => assert.equal(parseObjectKey(key), key));
  for (const [title, key] of Object.entries(BAD)) {
    it(`refuses a key with: ${title}`, () => {
      assert.throws(() => parseObjectKey(key), { code: 'invalid_key' });
      assert.equal(isObjectKey(key), false);
    });
  }
});

describe('parseKeyPrefix', () => {
  it('accepts everything and folders', () => {
    assert.equal(parseKeyPrefix(''), '');
    assert.equal(parseKeyPrefix('images/'), 'images/');
  });
  it('refuses a prefix that would match half a name', () => {
    assert.throws(() => parseKeyPrefix('images'), { code: 'invalid_key' });
    assert.throws(() => parseKeyPrefix('../'), { code: 'invalid_key' });
  });
});

test('a key is taken or refused by its segments, whichever characters it is made of', () => {
  const pieces = ['a', '.', '/', '~', ' ', 'é'];
  for (let length = 1; length <= 5; length += 1) {
    for (let number = 0; number < pieces.length ** length; number += 1) {
      let rest = number;
      let key = '';
      for (let at = 0; at < length; at += 1) {
        key += pieces[rest % pieces.length] ?? '';
        rest = Math.floor(rest / pieces.length);
      }
      const isGood = key.split('/').every((segment) => segment !== '' && !/[. ]$/.test(segment));
      assert.equal(isObjectKey(key), isGood, JSON.stringify(key));
    }
  }
});
