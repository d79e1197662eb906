import type { Catalog } from '../catalog/catalog.ts';
import type { Config, StorageConfig } from '../config/config.ts';
import { ConfigError } from '../config/problems.ts';
import { systemClock } from '../core/clock.ts';
import { silentLog } from '../core/log.ts';
import type { MoveParts } from '../maintenance/move/move.ts';
import { openCommandStorage } from './command-parts.ts';

type Backend = StorageConfig['backend'];

/** The two ends of a move. */
export interface MoveEnds {
  readonly from: Backend;
  readonly to: Backend;
}

/** @throws ConfigError naming the ends that have no settings, or not all. */
export function requireSettings({ storage }: Pick<Config, 'storage'>, { from, to }: MoveEnds): void {
  const problems = [from, to].flatMap((backend) => missingSettings(storage, backend));
  if (problems.length > 0) throw new ConfigError(problems);
}

/** Opens what a move between two backends works on, beside an open catalog; `await using` closes it. */
export async function openMove(
  config: Config,
  catalog: Catalog,
  between: MoveEnds,
): Promise<MoveParts & AsyncDisposable> {
  const storage = await openCommandStorage(config);
  try {
    const { stores } = storage;
    const [source, target] = [await stores.of(between.from), await stores.of(between.to)];
    return {
      ...{ source, target, stores, catalog, clock: systemClock, log: silentLog },
      [Symbol.asyncDispose]: () => storage[Symbol.asyncDispose](),
    };
  } catch (error) {
    await storage[Symbol.asyncDispose]();
    throw error;
  }
}

function missingSettings(storage: StorageConfig, backend: Backend): readonly string[] {
  if (backend === 'local' || storage[backend] !== null) return [];
  return [
    `The settings of ${backend} are missing or incomplete: STORAGE_BACKEND=${backend} stowage doctor names what is wrong`,
  ];
}
