import assert from 'node:assert/strict';
import { channel } from 'node:diagnostics_channel';
import { constants, PerformanceObserver } from 'node:perf_hooks';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { MIB } from '../core/bytes.ts';
import { collectReceivedChunks } from './received-chunks.ts';

interface Seen {
  readonly young: number;
  /** Those of the whole heap that somebody asked for: V8 makes its own as well. */
  readonly whole: number;
}

/** Makes garbage as a stream of uploads does, of which the last `heldBytes` are in use, and answers what collected it. */
async function collectionsOf(bytes: number, heldBytes: number): Promise<Seen> {
  const seen = { young: 0, whole: 0 };
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const { kind, flags } = (entry as unknown as { detail: { kind: number; flags: number } }).detail;
      if (kind === constants.NODE_PERFORMANCE_GC_MINOR) seen.young += 1;
      const isForced = (flags & constants.NODE_PERFORMANCE_GC_FLAGS_FORCED) !== 0;
      if (kind === constants.NODE_PERFORMANCE_GC_MAJOR && isForced) seen.whole += 1;
    }
  });
  observer.observe({ entryTypes: ['gc'] });
  const held: ArrayBuffer[] = [];
  for (let madeBytes = 0; madeBytes < bytes; madeBytes += 4 * MIB) {
    for (let chunk = 0; chunk < 64; chunk++) {
      held.push(new ArrayBuffer(CHUNK_BYTES));
      if (held.length * CHUNK_BYTES > heldBytes) held.shift();
    }
    await wait(15);
  }
  await wait(50);
  observer.disconnect();
  return seen;
}

const CHUNK_BYTES = 64 * 1024;

/** As in a service that has just got a request. @returns ends it. */
function collecting(context: TestContext): () => void {
  const end = collectReceivedChunks();
  context.after(end);
  channel('http.server.request.start').publish({});
  return end;
}

describe('chunks of requests', () => {
  it('are collected while they are young, from the first request on and until the end', async (context) => {
    const end = collecting(context);
    assert.ok((await collectionsOf(128 * MIB, 0)).young >= 3);
    end();
    assert.ok((await collectionsOf(32 * MIB, 0)).young <= 2);
  });

  it('are collected with all others when many have grown old', async (context) => {
    const end = collecting(context);
    assert.ok((await collectionsOf(512 * MIB, 48 * MIB)).whole >= 1);
    end();
    assert.equal((await collectionsOf(64 * MIB, 48 * MIB)).whole, 0);
  });
});
