import type { Log } from '../core/log.ts';

/** Something that is done again and again while the service runs. */
export interface RepeatedTask {
  readonly name: string;
  readonly everyMs: number;
  run(signal: AbortSignal): Promise<unknown>;
}

/** Repeated tasks under way. */
export interface Schedule {
  /** Stops; waits for what is running. */
  close(): Promise<void>;
}

/** Runs tasks on timers, each never twice at a time; a failure is logged and tried again at the next turn. */
export function startSchedule(tasks: readonly RepeatedTask[], log: Log): Schedule {
  const stop = new AbortController();
  const loops = tasks.map((task) => repeat(task, log, stop.signal));
  return {
    async close() {
      stop.abort();
      await Promise.all(loops);
    },
  };
}

async function repeat(task: RepeatedTask, log: Log, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await pause(task.everyMs, signal);
    if (signal.aborted) return;
    try {
      await task.run(signal);
    } catch (error) {
      if (!signal.aborted) log.warn({ task: task.name, err: error }, 'A background task failed.');
    }
  }
}

/** Waits; ends early when the signal fires. Does not keep the process running. */
export function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(end, delayMs);
    timer.unref();
    signal.addEventListener('abort', end, { once: true });
    function end(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    }
  });
}
