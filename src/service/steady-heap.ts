import { setFlagsFromString } from 'node:v8';
import { garbageCollector } from './collect-garbage.ts';

/** What counts as rest. */
export interface HeapRest {
  /** How often it is looked at, in milliseconds. */
  readonly lookMs: number;
  /** How many looks in a row must find rest before memory is given back. */
  readonly looks: number;
}

const REST: HeapRest = { lookMs: 30_000, looks: 10 };
/** Share of one core above which a process does not rest: probes, timers and polling stay below. */
const REST_CPU_SHARE_MAX = 0.05;

/**
 * What V8 reads at every collection:
 * - after eight seconds with little work it collects in order to give memory back, and throws away hidden classes that no
 *   object has just then, and with them the compiled code of every request: the next burst costs twice as much for thousands
 *   of requests. It begins no such collection.
 * - hidden classes in compiled code outlive two other collections at most. Here they stay.
 * - after collections that give back, the heap may grow by a third; counting the chunks of large uploads as part of it, V8
 *   marks all of it tens of times per second. It may double.
 */
const STEADY = [
  '--memory-reducer-gc-count=0',
  '--retain-maps-for-n-gc=1000',
  '--heap-growing-percent=100',
] as const;

/**
 * Keeps what V8 has compiled and learned through the pauses of a service's work; memory is given back after five minutes
 * of rest. For a process that is ours alone, for the flags hold for all of it. To be called first of all: V8 ends the process
 * when the first flag finds such a collection begun.
 *
 * @returns ends it; the flags stay.
 * @see https://nodejs.org/api/v8.html#v8setflagsfromstringflags
 */
export function keepHeapSteady({ lookMs, looks }: HeapRest = REST): () => void {
  for (const flag of STEADY) setFlagsFromString(flag);
  const collect = garbageCollector();
  let last = { cpu: process.cpuUsage(), atMs: performance.now() };
  let restful = 0;
  const look = (): void => {
    const now = { cpu: process.cpuUsage(), atMs: performance.now() };
    const usedMs = (now.cpu.user + now.cpu.system - last.cpu.user - last.cpu.system) / 1000;
    const isResting = usedMs <= (now.atMs - last.atMs) * REST_CPU_SHARE_MAX;
    last = now;
    restful = isResting ? restful + 1 : 0;
    // Once: further looks count on.
    if (restful === looks) collect({ type: 'major', flavor: 'last-resort' });
  };
  const timer = setInterval(look, lookMs).unref();
  return () => clearInterval(timer);
}
