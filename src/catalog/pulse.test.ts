import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { isStowageError } from '../core/errors.ts';
import { silentLog } from '../core/log.ts';
import { Pulse } from './pulse.ts';

/** A server that answers probes, or says nothing, as the test wishes. */
function openPulse() {
  const server = { answers: true, probes: 0 };
  const pulse = new Pulse({
    log: silentLog,
    silenceMs: 10,
    probeMs: 20,
    async probe(signal) {
      server.probes += 1;
      while (!server.answers) await delay(5, undefined, { signal });
    },
  });
  return { pulse, server, [Symbol.dispose]: () => pulse.close() };
}

const unavailable = (error: unknown): boolean => {
  assert.ok(isStowageError(error, 'database_unavailable'));
  assert.ok((error.fields.retry_after_seconds ?? 0) > 0);
  return true;
};
const never = () => new Promise<never>(() => undefined);

describe('the pulse of the database', () => {
  test('is not felt while answers come', async () => {
    using ground = openPulse();
    assert.equal(await ground.pulse.read(async () => 'row'), 'row');
    await assert.rejects(
      ground.pulse.read(() => Promise.reject(new Error('syntax'))),
      /syntax/,
    );
    assert.equal(ground.server.probes, 0);
  });

  test('a slow query on a server that answers is waited for', async () => {
    using ground = openPulse();
    const answer = Promise.withResolvers<string>();
    const reading = ground.pulse.read(() => answer.promise);
    while (ground.server.probes < 2) await delay(5);
    ground.pulse.requireLife();
    answer.resolve('late');
    assert.equal(await reading, 'late');
  });

  test('a server that answers nothing is given up by all who read, and by those after, until it answers', async () => {
    using ground = openPulse();
    ground.server.answers = false;
    const reads = Array.from({ length: 3 }, () => ground.pulse.read(never));
    for (const read of reads) await assert.rejects(read, unavailable);
    assert.throws(() => ground.pulse.requireLife(), unavailable);
    let asked = false;
    const later = ground.pulse.read(async () => {
      asked = true;
    });
    await assert.rejects(later, unavailable);
    assert.equal(asked, false, 'nothing is sent to a server that is known to be frozen');

    ground.server.answers = true;
    for (;;) {
      const row = await ground.pulse.read(async () => 'row').catch(() => null);
      if (row === 'row') break;
      await delay(10);
    }
    ground.pulse.requireLife();
  });

  test('what somebody else hears counts as an answer', async () => {
    using ground = openPulse();
    ground.server.answers = false;
    await assert.rejects(ground.pulse.read(never), unavailable);
    ground.pulse.heard();
    ground.pulse.requireLife();
  });

  test('a closed one gives nothing up', async () => {
    const { pulse, server } = openPulse();
    server.answers = false;
    const answer = Promise.withResolvers<string>();
    const reading = pulse.read(() => answer.promise);
    pulse.close();
    answer.resolve('row');
    assert.equal(await reading, 'row');
  });
});
