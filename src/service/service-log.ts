import { destination, pino } from 'pino';
import type { Config } from '../config/config.ts';
import type { Log } from '../core/log.ts';

/** The log of a running service. */
export interface ServiceLog extends Log {
  /** Writes what is still buffered, at once. For the end of the process. */
  flush(): void;
}

/** Fields that would hold a secret if some library logged a request, a URL or settings. */
const SECRET_FIELDS = [
  'authorization',
  'cookie',
  'token',
  'password',
  'secret',
  'presigned_url',
  'connectionString',
].flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);

/** Opens the log: one JSON object per line on standard output. */
export function openServiceLog(level: Config['logLevel']): ServiceLog {
  const output = destination({ dest: 1, sync: false });
  const log = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: SECRET_FIELDS, censor: '[secret]' },
    },
    output,
  );
  return {
    debug: (fields, message) => log.debug(fields, message),
    info: (fields, message) => log.info(fields, message),
    warn: (fields, message) => log.warn(fields, message),
    error: (fields, message) => log.error(fields, message),
    flush() {
      try {
        output.flushSync();
      } catch {
        // The reader of our output is gone; there is nobody left to tell.
      }
    },
  };
}
