import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { holdsControl, openVectorScan, scanByTable } from './control-scan.ts';

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for.
const CONTROL = /[\u0000-\u0008\u000b\u000e-\u001f\u007f]/;

for (const [name, scan] of [
  ['byte by byte', scanByTable],
  ['in WebAssembly', openVectorScan()],
] as const) {
  describe(`control characters are found ${name}`, () => {
    test('each of the 256 bytes, wherever it stands in a turn of the loop', () => {
      for (let byte = 0; byte < 256; byte += 1) {
        for (let at = 0; at < 70; at += 1) {
          const bytes = Buffer.alloc(70, 0x41);
          bytes[at] = byte;
          assert.equal(scan(bytes), CONTROL.test(String.fromCharCode(byte)), `${byte} at ${at}`);
        }
      }
    });

    test('as the last of any number of bytes, at any address, and not when it stands behind them', () => {
      const memory = Buffer.alloc(400, 0x42);
      for (let from = 0; from < 20; from += 1) {
        for (let count = 0; count < 100; count += 1) {
          memory[from + count] = 0x1f;
          assert.equal(scan(memory.subarray(from, from + count)), false, `${from} ${count}`);
          assert.equal(scan(memory.subarray(from, from + count + 1)), true, `${from} ${count}`);
          memory[from + count] = 0x42;
        }
      }
    });

    test('as a regular expression tells', () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 90, min: 9 }), fc.nat(8), (bytes, from) => {
          const part = bytes.subarray(from);
          assert.equal(scan(part), CONTROL.test(Buffer.from(part).toString('latin1')));
        }),
      );
    });

    test('at the seams of what is looked at in one call', () => {
      const bytes = Buffer.alloc(3 * 65_536 + 11, 0x20);
      assert.equal(scan(bytes), false);
      for (const at of [0, 65_535, 65_536, 131_071, 131_072, 3 * 65_536, bytes.length - 1]) {
        bytes[at] = 0x7f;
        assert.equal(scan(bytes), true, `${at}`);
        bytes[at] = 0x20;
      }
      assert.equal(scan(bytes), false);
    });
  });
}

test('what was looked at before is forgotten', () => {
  const scan = openVectorScan();
  assert.equal(scan(Buffer.alloc(65_536, 0)), true);
  for (const count of [0, 1, 31, 32, 33, 4100])
    assert.equal(scan(Buffer.alloc(count, 0x61)), false, `${count}`);
});

test('Node runs WebAssembly', () => {
  assert.notEqual(holdsControl, scanByTable);
});
