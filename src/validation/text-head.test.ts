import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isPrintable } from './text-head.ts';

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for.
const CONTROL = /[\u0000-\u0008\u000b\u000e-\u001f\u007f]/;

describe('printable bytes', () => {
  it('have no control character but tab, line feed, form feed and carriage return, at any place', () => {
    for (let byte = 0; byte < 256; byte++) {
      for (let place = 0; place < 12; place++) {
        const bytes = new Uint8Array(16).fill(0x61).subarray(3);
        bytes[place] = byte;
        assert.equal(isPrintable(bytes), !CONTROL.test(String.fromCharCode(byte)), `${byte} at ${place}`);
      }
    }
  });

  it('are told as a regular expression over them would tell', () => {
    const text = fc.uint8Array({ maxLength: 64, min: 9 });
    fc.assert(
      fc.property(text, fc.nat(8), (bytes, from) => {
        const part = bytes.subarray(from);
        assert.equal(isPrintable(part), !CONTROL.test(Buffer.from(part).toString('latin1')));
      }),
    );
  });
});
