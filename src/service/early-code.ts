import { setFlagsFromString } from 'node:v8';

/**
 * How often a function runs before V8 compiles it, and how long it waits when it has just learned something new about it.
 * By itself it waits for 400 runs (Maglev, where that is on), 3,000 (TurboFan) and 500: a function that each upload runs
 * once is then slow for thousands of uploads, minutes where they are large.
 */
const EARLY = [
  '--invocation-count-for-maglev=50',
  '--invocation-count-for-turbofan=300',
  '--minimum-invocations-after-ic-update=50',
] as const;

/**
 * Lets V8 compile early what a service runs. It costs a few compilations that what is learned later makes void. For a
 * process that is ours alone, for the flags hold for all of it.
 *
 * @see https://nodejs.org/api/v8.html#v8setflagsfromstringflags
 */
export function compileEarly(): void {
  for (const flag of EARLY) setFlagsFromString(flag);
}
