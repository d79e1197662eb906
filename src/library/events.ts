import { setImmediate } from 'node:timers';
import type { CatalogEvent } from '../catalog/watched-catalog.ts';
import type { Log } from '../core/log.ts';

/** What a program can be told of, by the name it listens under. */
export type EventName = CatalogEvent['type'];

/** Called with the events of one name. */
export type Listener<Name extends EventName> = (
  event: CatalogEvent & { readonly type: Name },
) => void | Promise<void>;

/** Most listeners' calls that may be under way at once; what comes then is dropped, and the log says so. */
export const EVENTS_UNDER_WAY_MAX = 1_000;
/** Longest wait for listeners when the library closes, in milliseconds. */
const CLOSE_MS_MAX = 5_000;

/** Hands events from the catalog to the program's listeners. */
export interface EventHub {
  /** Called by the catalog, after the commit. Never throws, and calls no listener before the caller has gone on. */
  tell(event: CatalogEvent): void;
  /** @returns takes the listener away again. */
  on<Name extends EventName>(name: Name, listener: Listener<Name>): () => void;
  /** Takes no more events and waits for those under way, at most 5 seconds. */
  close(): Promise<void>;
}

/**
 * Makes the hub: events are told at most once, in the order of their commits, to listeners of this process. A crash right
 * after a commit loses them: what must not be lost belongs into the transaction itself.
 */
export function createEventHub(log: Log): EventHub {
  const listeners = new Map<EventName, Set<Listener<EventName>>>();
  const underWay = new Set<Promise<void>>();
  let waiting = 0;
  let dropped = 0;
  let isClosed = false;

  const call = async (listener: Listener<EventName>, event: CatalogEvent): Promise<void> => {
    try {
      await listener(event);
    } catch (error) {
      log.error({ event: event.type, err: error }, 'A listener for an event failed.');
    }
  };
  const deliver = (event: CatalogEvent): void => {
    waiting -= 1;
    for (const listener of listeners.get(event.type) ?? []) {
      const running: Promise<void> = call(listener, event).finally(() => underWay.delete(running));
      underWay.add(running);
    }
  };
  return {
    tell(event) {
      if (isClosed || !listeners.has(event.type)) return;
      if (underWay.size + waiting >= EVENTS_UNDER_WAY_MAX) {
        dropped += 1;
        // One line for the first of each thousand: a slow listener should not fill the log too.
        if (dropped % EVENTS_UNDER_WAY_MAX === 1)
          log.warn({ dropped }, 'Listeners are too slow: events were dropped.');
        return;
      }
      waiting += 1;
      setImmediate(deliver, event);
    },
    on(name, listener) {
      const known = listeners.get(name) ?? new Set();
      listeners.set(name, known);
      // The set of a name only ever gets events of that name.
      const any = listener as Listener<EventName>;
      known.add(any);
      return () => {
        known.delete(any);
        if (known.size === 0) listeners.delete(name);
      };
    },
    async close() {
      isClosed = true;
      const late = Promise.withResolvers<void>();
      const timer = setTimeout(late.resolve, CLOSE_MS_MAX);
      while (waiting > 0) await new Promise((resolve) => setImmediate(resolve));
      await Promise.race([Promise.all(underWay), late.promise]);
      clearTimeout(timer);
    },
  };
}
