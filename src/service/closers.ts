import type { Log } from '../core/log.ts';

/** What has been opened, to be closed in the opposite order. */
export interface Closers {
  add(name: string, close: () => Promise<unknown>): void;
  /** Closes everything, the last opened first. A failure is logged and does not keep the rest open. */
  closeAll(): Promise<void>;
}

export function createClosers(log: Log): Closers {
  const opened: { readonly name: string; readonly close: () => Promise<unknown> }[] = [];
  return {
    add: (name, close) => {
      opened.push({ name, close });
    },
    async closeAll() {
      for (let next = opened.pop(); next !== undefined; next = opened.pop()) {
        try {
          await next.close();
        } catch (error) {
          log.warn({ part: next.name, err: error }, 'A part of the service could not be closed cleanly.');
        }
      }
    },
  };
}
