import type { BackendName } from '../core/backend-name.ts';
import { StowageError } from '../core/errors.ts';
import type { StorageBackend } from './backend.ts';

/** All stores that hold assets. The record of an asset, or of a direct upload, names the one that holds its bytes. */
export interface Stores<Store = StorageBackend> {
  /** Where new files go. */
  readonly main: Store;
  /**
   * The store of a backend; opened when it is first asked for.
   *
   * @throws StowageError `storage_unavailable` when it can't be opened: its settings are missing, or it does not answer.
   */
  of(backend: BackendName): Promise<Store>;
}

/** Stores that are opened when they are needed, and closed together. */
export interface OpenableStores<Store> extends Stores<Store> {
  /** Closes those that were opened, `main` too. */
  close(): Promise<void>;
}

/** The only store there is. */
export function singleStore<Store extends { readonly name: BackendName }>(main: Store): Stores<Store> {
  return {
    main,
    of: (backend) => (backend === main.name ? Promise.resolve(main) : Promise.reject(noStore(backend))),
  };
}

/**
 * One store that is open and others that are opened on demand.
 *
 * @param open opens a store; asked again after a failure, and never while it is at it.
 */
export function openableStores<
  Store extends { readonly name: BackendName; readonly close: () => Promise<void> },
>(main: Store, open: (backend: BackendName) => Promise<Store>): OpenableStores<Store> {
  const opened = new Map<BackendName, Promise<Store>>([[main.name, Promise.resolve(main)]]);
  let closed = false;
  return {
    main,
    of(backend) {
      const known = opened.get(backend);
      if (known !== undefined) return known;
      if (closed) return Promise.reject(noStore(backend));
      const opening = open(backend).catch((error: unknown) => {
        opened.delete(backend);
        throw error instanceof StowageError ? error : noStore(backend, error);
      });
      opened.set(backend, opening);
      return opening;
    },
    async close() {
      closed = true;
      const results = await Promise.allSettled(
        [...opened.values()].map(async (opening) => (await opening).close()),
      );
      const failure = results.find((result) => result.status === 'rejected');
      if (failure !== undefined) throw failure.reason;
    },
  };
}

/** Which backend it is stays in the cause: clients are told nothing of how files are kept. */
function noStore(backend: BackendName, cause?: unknown): StowageError {
  return new StowageError('storage_unavailable', 'The store of this file can not be used at present.', {
    cause: new Error(`A record names the backend ${backend}, which this service can't open.`, { cause }),
  });
}
