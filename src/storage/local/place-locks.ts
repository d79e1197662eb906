/**
 * Runs work on one place after the other, in this process: looking what is there and acting on it is then one step.
 * As long as its callers are many: a wait takes no longer than the calls of those before.
 */
export class PlaceLocks {
  readonly #tails = new Map<string, Promise<void>>();

  run<T>(path: string, work: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(path);
    const done = before === undefined ? work() : before.then(work);
    const end = (): void => {
      if (this.#tails.get(path) === tail) this.#tails.delete(path);
    };
    const tail = done.then(end, end);
    this.#tails.set(path, tail);
    return done;
  }
}
