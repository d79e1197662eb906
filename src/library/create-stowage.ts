import type { IncomingMessage } from 'node:http';
import type { Config } from '../config/config.ts';
import { readConfigFile } from '../config/config-file.ts';
import type { StowageConfigFile } from '../config/define-config.ts';
import type { KeyTemplatesOf } from '../config/key-templates.ts';
import type { Environment } from '../config/look-alikes.ts';
import { ConfigError } from '../config/problems.ts';
import { type Log, silentLog } from '../core/log.ts';
import { createMount } from '../http/mount.ts';
import { loadServiceConfig } from '../service/load-service-config.ts';
import { openService } from '../service/open-service.ts';
import { type AppConnections, openAppDatabase } from './app-database.ts';
import { type Authenticate, applicationAuthenticator } from './authenticator.ts';
import { createEventHub } from './events.ts';
import type { LinkRules } from './record-links.ts';
import { assembleStowage, type Stowage } from './stowage.ts';

/** How a program embeds Stowage. */
export interface StowageOptions<
  Declared extends StowageConfigFile = StowageConfigFile,
  Rules extends LinkRules = LinkRules,
> {
  /** What the config file would hold; no file is looked for. Its asset types are known to the compiler. */
  readonly config?: Declared;
  /** Settings by their names in the environment, secrets among them. Pass `process.env` to take the machine's. */
  readonly env?: Environment;
  /** Directory that relative paths start from, absolute. */
  readonly cwd: string;
  /** Where log lines go. Default: nowhere. */
  readonly log?: Log;
  /** Whether to listen for HTTP requests, on a port of its own. Default: false. */
  readonly listen?: boolean;
  /** Tells who sends a request. Default: the tokens that the settings name (`JWT_SECRET`, `JWKS_URL`). */
  readonly authenticate?: Authenticate;
  /**
   * What clients reach Stowage's routes by, with the path they are mounted at and without a trailing slash: signed URLs
   * begin with it. A function is asked each time. Default: `PUBLIC_URL`, else the address that Stowage would listen on.
   */
  readonly publicUrl?: string | (() => string);
  /** Rules for the links between assets and the application's records. Default: none, and every name may be used. */
  readonly links?: Rules;
  /** Schema of the application's own tables. Default: `app`. */
  readonly schema?: string;
}

const SCHEMA_DEFAULT = 'app';

/**
 * Opens Stowage inside a program: the same parts as `stowage serve`, without signals, and listening only when asked. Several
 * can be open in one process.
 *
 * @throws ConfigError naming every wrong setting; what keeps the database or the store from being used.
 */
export async function createStowage<
  const Declared extends StowageConfigFile = Record<never, never>,
  const Rules extends LinkRules = LinkRules,
>(options: StowageOptions<Declared, Rules>): Promise<Stowage<KeyTemplatesOf<Declared>, Rules>> {
  const config = await readConfig(options);
  const log = options.log ?? silentLog;
  const { authenticate, publicUrl } = options;
  const hub = createEventHub(log);
  const hosts = new WeakMap<IncomingMessage, object>();
  const service = await openService(config, {
    log,
    listen: options.listen ?? false,
    onEvent: hub.tell,
    ...(authenticate !== undefined && {
      authenticator: applicationAuthenticator(authenticate, hosts, config.http.corsOrigins),
    }),
    ...(publicUrl !== undefined && { publicUrl: urlOf(publicUrl) }),
  });
  let database: AppConnections | undefined;
  try {
    database = openAppDatabase(service.connection, options.schema ?? SCHEMA_DEFAULT, log);
    const mount = createMount(service.deps);
    const parts = { config, service, database, mount, hub, hosts, rules: options.links ?? {} };
    return assembleStowage<KeyTemplatesOf<Declared>, Rules>(parts);
  } catch (error) {
    await database?.close();
    await service.close();
    throw error;
  }
}

async function readConfig(options: StowageOptions): Promise<Config> {
  const problems: string[] = [];
  const file = readConfigFile(options.config ?? {}, problems);
  if (problems.length > 0) throw new ConfigError(problems);
  return await loadServiceConfig({
    env: options.env ?? {},
    cwd: options.cwd,
    file,
    hasOwnAuthentication: options.authenticate !== undefined,
  });
}

function urlOf(publicUrl: string | (() => string)): () => string {
  return () => (typeof publicUrl === 'string' ? publicUrl : publicUrl()).replace(/\/+$/, '');
}
