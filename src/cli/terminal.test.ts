import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openTerminal } from './terminal.ts';

/** A terminal whose streams are kept apart, under a clock that the test moves. */
function openTest(isWatched: boolean) {
  const written = { output: '', messages: '' };
  let nowMs = 0;
  const stream = (name: keyof typeof written) => ({
    isTTY: isWatched,
    write(text: string) {
      written[name] += text;
      return true;
    },
    once: () => undefined,
  });
  const terminal = openTerminal({
    output: stream('output'),
    messages: stream('messages'),
    colour: true,
    now: () => nowMs,
  });
  return {
    terminal,
    written,
    advance(ms: number) {
      nowMs += ms;
    },
  };
}

describe('the progress of long work', () => {
  test('is one line of a terminal that changes, ten times a second at most, and makes way for results', async () => {
    const { terminal, written, advance } = openTest(true);
    terminal.progress('1 of 9');
    advance(99);
    terminal.progress('2 of 9');
    advance(1);
    terminal.progress('3 of 9');
    await terminal.print('done');
    assert.equal(written.messages, '\r\u001b[2K1 of 9\r\u001b[2K3 of 9\r\u001b[2K');
    assert.equal(written.output, 'done\n');
  });

  test('is a plain line every ten seconds where nobody watches, and short work says nothing', () => {
    const { terminal, written, advance } = openTest(false);
    terminal.progress('1 of 9');
    advance(9_999);
    terminal.progress('2 of 9');
    assert.equal(written.messages, '');
    advance(1);
    terminal.progress('3 of 9');
    terminal.progress('4 of 9');
    assert.equal(written.messages, '3 of 9\n');
    assert.equal(terminal.paint('red', 'text'), 'text', 'no styles in a file');
  });

  test('never gets among the results', () => {
    const { terminal, written, advance } = openTest(false);
    advance(10_000);
    terminal.progress('1 of 9');
    terminal.tell('Look here.');
    assert.deepEqual(written, { output: '', messages: '1 of 9\nLook here.\n' });
  });
});

test('a result waits while its reader is slow', async () => {
  const drained = Promise.withResolvers<void>();
  let isPrinted = false;
  const messages = { write: () => true, once: () => undefined };
  const output = {
    write: () => false,
    once: (_event: 'drain', listener: () => void) => void drained.promise.then(listener),
  };
  const terminal = openTerminal({ output, messages, colour: false, now: () => 0 });
  const printing = terminal.print('a line').then(() => {
    isPrinted = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(isPrinted, false);
  drained.resolve();
  await printing;
});
