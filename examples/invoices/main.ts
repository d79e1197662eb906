import { type ExampleOptions, type RunningExample, runExample } from '../shared/run.ts';
import { makeApp } from './app.ts';
import { openStorage } from './storage.ts';

/** Invoices: documents of several companies, with what they say, and the transactions they belong to. */
export async function start(options: ExampleOptions): Promise<RunningExample> {
  const stowage = await openStorage(options);
  const app = makeApp(stowage);
  try {
    const origin = await app.listen({ port: options.port, host: '127.0.0.1' });
    return {
      origin,
      async close() {
        await app.close();
        await stowage.close();
      },
    };
  } catch (error) {
    await stowage.close();
    throw error;
  }
}

if (import.meta.main) await runExample(start);
