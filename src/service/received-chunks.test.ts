import assert from 'node:assert/strict';
import { channel } from 'node:diagnostics_channel';
import { constants, PerformanceObserver } from 'node:perf_hooks';
import { describe, it } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { MIB } from '../core/bytes.ts';
import { collectReceivedChunks } from './received-chunks.ts';

/** Makes garbage as a stream of uploads does, and answers how many young collections that met. */
async function youngCollections(bytes: number): Promise<number> {
  let seen = 0;
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const { detail } = entry as unknown as { detail: { kind: number } };
      if (detail.kind === constants.NODE_PERFORMANCE_GC_MINOR) seen += 1;
    }
  });
  observer.observe({ entryTypes: ['gc'] });
  for (let madeBytes = 0; madeBytes < bytes; madeBytes += 4 * MIB) {
    for (let chunk = 0; chunk < 64; chunk++) new ArrayBuffer(64 * 1024);
    await wait(15);
  }
  await wait(50);
  observer.disconnect();
  return seen;
}

describe('chunks of requests', () => {
  it('are collected while they are young, from the first request on and until the end', async () => {
    const end = collectReceivedChunks();
    channel('http.server.request.start').publish({});
    assert.ok((await youngCollections(128 * MIB)) >= 3);
    end();
    assert.ok((await youngCollections(32 * MIB)) <= 2);
  });
});
