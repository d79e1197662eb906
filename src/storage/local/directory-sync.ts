import { syncDirectory } from './file-calls.ts';

/**
 * Makes names in directories durable, together: while one fsync of a directory runs, all who come share the next.
 * A name written before `sync` is called is on disk when its promise is fulfilled.
 */
export class DirectorySync {
  readonly #states = new Map<string, SyncState>();
  readonly #syncNow: (path: string) => Promise<void>;

  constructor(syncNow: (path: string) => Promise<void> = syncDirectory) {
    this.#syncNow = syncNow;
  }

  sync(path: string): Promise<void> {
    const state = this.#states.get(path);
    if (state === undefined) return this.#start(path);
    // The running fsync may have begun before our name was written: only the one after it counts.
    state.next ??= state.running.catch(() => {}).then(() => this.#start(path));
    return state.next;
  }

  #start(path: string): Promise<void> {
    const running = this.#syncNow(path);
    const state: SyncState = { running, next: null };
    this.#states.set(path, state);
    const done = () => {
      if (state.next === null) this.#states.delete(path);
    };
    running.then(done, done);
    return running;
  }
}

interface SyncState {
  readonly running: Promise<void>;
  next: Promise<void> | null;
}
