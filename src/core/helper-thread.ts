import { Worker } from 'node:worker_threads';

/**
 * The file that a thread starts with, beside the module that starts it: `.ts` in the sources, `.js` once built.
 *
 * @param moduleUrl the `import.meta.url` of that module.
 * @param name the file's name without its ending.
 */
export function threadFile(moduleUrl: string, name: string): URL {
  return new URL(`./${name}${moduleUrl.endsWith('.ts') ? '.ts' : '.js'}`, moduleUrl);
}

/**
 * Starts a thread that does one kind of work in memory that both share. It needs little of its own, and takes over none
 * of the options that this process was started with.
 *
 * @throws what starting a thread throws.
 */
export function startHelperThread(file: URL, name: string, memory: SharedArrayBuffer): Worker {
  return new Worker(file, {
    name,
    workerData: memory,
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 2 },
  });
}
