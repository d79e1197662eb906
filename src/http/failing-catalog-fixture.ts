import type { Catalog } from '../catalog/catalog.ts';

/**
 * For tests: a catalog whose methods reject instead of answering.
 *
 * @param failureOf what a method rejects with now; undefined to answer.
 */
export function failingCatalog(catalog: Catalog, failureOf: (method: string) => unknown): Catalog {
  return new Proxy(catalog, {
    get(target, name, receiver) {
      const value: unknown = Reflect.get(target, name, receiver);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => {
        const failure = failureOf(String(name));
        return failure === undefined
          ? (Reflect.apply(value, target, args) as unknown)
          : Promise.reject(failure);
      };
    },
  });
}
