import { join } from 'node:path';
import { openServer } from '../catalog/open-catalog.ts';
import type { Config } from '../config/config.ts';
import { SECRETS_FILE } from '../config/made-secrets.ts';
import { systemClock } from '../core/clock.ts';
import { silentLog } from '../core/log.ts';
import { askDatabase } from '../maintenance/ask-database.ts';
import type { DoctorParts } from '../maintenance/doctor.ts';
import { openCommandStorage } from './command-parts.ts';
import { askStore } from './watch-provisioning.ts';

/** What the doctor examines of a configuration; `await using` closes what it opened. */
export function openDoctor(config: Config, signal: AbortSignal): DoctorParts & AsyncDisposable {
  const opened: AsyncDisposable[] = [];
  const secrets = new Map<string, readonly string[]>([
    ['SIGNING_SECRET', config.storage.signingSecrets],
    ...(config.access.jwtSecrets.length > 0 ? [['JWT_SECRET', config.access.jwtSecrets] as const] : []),
  ]);
  return {
    nodeVersion: process.versions.node,
    environment: config.environment,
    settingWarnings: config.warnings,
    publicUrl: config.http.publicUrl,
    dataDir: config.dataDir,
    secretFiles: [join(config.dataDir, SECRETS_FILE)],
    secrets,
    storageDir: config.storage.backend === 'local' ? config.storage.local.path : null,
    clock: systemClock,
    async askDatabase() {
      const server = await openServer({
        url: config.database.url,
        dataDir: config.dataDir,
        log: silentLog,
        signal,
      });
      opened.push({ [Symbol.asyncDispose]: () => server.close() });
      return await askDatabase(server.app);
    },
    async openBucket() {
      const storage = await openCommandStorage(config);
      opened.push(storage);
      return storage.bucket;
    },
    askStore: () => askStore(config, signal),
    async [Symbol.asyncDispose]() {
      for (const part of opened) await part[Symbol.asyncDispose]();
    },
  };
}
