import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** What is collected: the young objects; all; or all, and the memory is given back. */
export type Collection =
  | { readonly type: 'minor' }
  | { readonly type: 'major'; readonly flavor: 'regular' | 'last-resort' };

/**
 * V8's own function for collecting at once.
 *
 * @see https://nodejs.org/api/cli.html#--expose-gc
 */
export function garbageCollector(): (how: Collection) => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as (how: Collection) => void;
}
