import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createClient } from './client.ts';
import { settingsOf } from './options.ts';

const HERE = { url: 'https://files.example.com', token: 't' };

describe('the options of a client', () => {
  it('take an address with or without a slash, and keep its path', () => {
    assert.equal(settingsOf({ ...HERE, url: 'https://a.example/' }).url, 'https://a.example');
    assert.equal(settingsOf({ ...HERE, url: 'https://a.example/files/' }).url, 'https://a.example/files');
  });

  it('are refused when no client can work with them', () => {
    const wrong = [
      ...[{ url: 'files.example.com' }, { url: '' }, { partsInFlight: 0 }, { partsInFlight: 17 }],
      ...[{ partsInFlight: 1.5 }, { stallMs: 0 }, { retry: { attemptsMax: 0 } }, { stallMs: Number.NaN }],
      ...['', 'uploads', '/uploads/', '/uploads?a=b', '/'].map((uploadsPath) => ({ uploadsPath })),
    ];
    for (const each of wrong) {
      const isKnown = (error: unknown) => error instanceof RangeError || error instanceof TypeError;
      assert.throws(() => createClient({ ...HERE, ...each }), isKnown, JSON.stringify(each));
    }
  });
});
