/** What an example is started with. */
export interface ExampleOptions {
  /** Settings by their names in the environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Directory that relative paths start from. */
  readonly cwd: string;
  /** 0: one that is free. */
  readonly port: number;
}

/** An example that listens. */
export interface RunningExample {
  readonly origin: string;
  close(): Promise<void>;
}

/** Runs an example as a program: says where it is, and ends it on a signal. */
export async function runExample(start: (options: ExampleOptions) => Promise<RunningExample>): Promise<void> {
  const { env } = process;
  const running = await start({ env, cwd: process.cwd(), port: Number(env.PORT ?? 4000) });
  console.log(running.origin);
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void running.close());
}
