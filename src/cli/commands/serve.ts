import { ConfigError } from '../../config/problems.ts';
import { type Command, type CommandContext, EXIT, type ExitCode } from '../command.ts';

/** Runs the service until it is told to stop. */
export const serveCommand: Command = {
  name: 'serve',
  summary: 'Run the service until SIGTERM or Ctrl-C.',
  flags: {},
  secrets: ['JWT_SECRET', 'SIGNING_SECRET'],
  positionals: [],
  async run(context) {
    const config = await context.loadConfig();
    // Loaded after the settings are known to be right: other commands and mistakes need none of it.
    const [{ openServiceLog }, { runService }] = await Promise.all([
      import('../../service/service-log.ts'),
      import('../../service/run-service.ts'),
    ]);
    const log = openServiceLog(config.logLevel);
    const stopCrashes = endOnCrash(context, log.flush);
    try {
      await runService(config, {
        log,
        signal: context.signal,
        tell: (lines) => {
          for (const line of lines) context.terminal.tell(line);
        },
        isWatched: context.terminal.isWatched,
      });
      return EXIT.done;
    } catch (error) {
      return await explain(error, context);
    } finally {
      log.flush();
      stopCrashes();
    }
  },
};

/** A fault that nobody caught leaves the process in a state that nobody knows: say it and end. */
function endOnCrash(context: CommandContext, flush: () => void): () => void {
  const crash = (error: unknown): void => {
    flush();
    context.terminal.tell(
      `Stowage ends because of a fault: ${error instanceof Error ? error.stack : String(error)}`,
    );
    process.exit(EXIT.failed);
  };
  process.on('uncaughtException', crash);
  process.on('unhandledRejection', crash);
  return () => {
    process.off('uncaughtException', crash);
    process.off('unhandledRejection', crash);
  };
}

async function explain(error: unknown, context: CommandContext): Promise<ExitCode> {
  if (context.signal.aborted) return EXIT.done;
  if (error instanceof ConfigError || !(error instanceof Error)) throw error;
  const code = 'code' in error ? error.code : undefined;
  if (code === 'EADDRINUSE')
    throw new Error('HOST and PORT name an address that is in use; set another PORT.', { cause: error });
  if (code === 'EACCES')
    throw new Error('HOST and PORT name an address that may not be used; set another PORT.', {
      cause: error,
    });
  if (code === 'EADDRNOTAVAIL')
    throw new Error('HOST names an address that this machine does not have.', { cause: error });
  throw error;
}
