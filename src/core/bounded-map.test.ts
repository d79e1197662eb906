import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BoundedMap } from './bounded-map.ts';

test('a bounded map never holds more than its bound', () => {
  const map = new BoundedMap<number, number>(3);
  for (let index = 1; index <= 100; index += 1) map.set(index, index);
  assert.equal(map.size, 3);
  assert.equal(map.get(97), undefined);
  assert.equal(map.get(98), 98);
});

test('what was used last is kept longest', () => {
  const map = new BoundedMap<string, number>(2);
  map.set('a', 1);
  map.set('b', 2);
  map.get('a');
  map.set('c', 3);
  assert.equal(map.get('a'), 1);
  assert.equal(map.get('b'), undefined);
});

test('setting again replaces, deleting forgets', () => {
  const map = new BoundedMap<string, number>(2);
  map.set('a', 1);
  map.set('a', 2);
  assert.equal(map.size, 1);
  assert.equal(map.get('a'), 2);
  map.delete('a');
  assert.equal(map.get('a'), undefined);
});
