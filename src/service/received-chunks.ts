import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { getHeapStatistics } from 'node:v8';
import { MIB } from '../core/bytes.ts';
import { garbageCollector } from './collect-garbage.ts';

/** Chunks that may have gathered, in bytes, before the young ones are collected. */
const GATHERED_BYTES_MAX = 16 * MIB;
/** Chunks that may have outlived young collections, in bytes, before all are collected. */
const OUTLIVED_BYTES_MAX = 32 * MIB;
const LOOK_MS = 20;
/** Looks without growth after which nobody looks any more, until the next request. */
const IDLE_LOOKS_MAX = 50;

/**
 * Has the chunks of requests collected while they are young, for as long as requests come.
 *
 * V8 counts them as memory outside its heap, and when 32 MiB have gathered it may mark the whole heap, several times per
 * second under large uploads: as much work as receiving, hashing and judging the bytes. Objects of its own that
 * would make it look at the young ones in time are hardly made by a stream. A young collection takes a millisecond. What
 * many uploads at once make older than that is collected when it has become much: some 35 ms, for each 150 MB received.
 *
 * @returns ends it.
 */
export function collectReceivedChunks(): () => void {
  const collect = garbageCollector();
  let floorBytes = externalBytes();
  let keptBytes = floorBytes;
  let idleLooks = 0;
  let timer: NodeJS.Timeout | undefined;

  const look = (): void => {
    const nowBytes = externalBytes();
    // V8 gives collected chunks back in a thread: what a collection has left is told by the looks after it.
    floorBytes = Math.min(floorBytes, nowBytes);
    keptBytes = Math.min(keptBytes, floorBytes);
    if (floorBytes - keptBytes >= OUTLIVED_BYTES_MAX) {
      collect({ type: 'major', flavor: 'regular' });
      floorBytes = externalBytes();
      keptBytes = floorBytes;
      return;
    }
    if (nowBytes - floorBytes < GATHERED_BYTES_MAX) {
      idleLooks += 1;
      if (idleLooks > IDLE_LOOKS_MAX) stop();
      return;
    }
    idleLooks = 0;
    collect({ type: 'minor' });
    floorBytes = externalBytes();
  };
  const start = (): void => {
    idleLooks = 0;
    timer ??= setInterval(look, LOOK_MS).unref();
  };
  const stop = (): void => {
    clearInterval(timer);
    timer = undefined;
  };

  subscribe('http.server.request.start', start);
  return () => {
    unsubscribe('http.server.request.start', start);
    stop();
  };
}

function externalBytes(): number {
  return getHeapStatistics().external_memory;
}
