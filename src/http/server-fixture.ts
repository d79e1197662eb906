import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mintToken } from '../access/mint-token.ts';
import { openTokenVerifier, type TokenSettings } from '../access/tokens.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { openCatalog } from '../catalog/open-catalog.ts';
import type { AssetType, AssetTypes } from '../core/asset-type.ts';
import { MIB } from '../core/bytes.ts';
import type { Clock } from '../core/clock.ts';
import { type Log, silentLog } from '../core/log.ts';
import type { Principal } from '../core/principal.ts';
import type { AssetJson } from '../protocol/index.ts';
import { Bucket, openLocalBackend } from '../storage/index.ts';
import { openableStores } from '../storage/stores.ts';
import { createDirectUploads } from '../uploads/direct/direct-uploads.ts';
import { createIntake } from '../uploads/intake.ts';
import { createRemoval } from '../uploads/remove.ts';
import type { ServerOptions } from './deps.ts';
import { type AnswerCheck, documentedAnswers } from './document-fixture.ts';
import type { HealthState } from './health-state.ts';
import { createMetrics } from './metrics.ts';
import { buildServer, describeRoutes } from './server.ts';

/** For tests: the whole server on a port of the system's choice, with a real database and real files. */
export interface ServerFixture extends AsyncDisposable {
  readonly origin: string;
  readonly port: number;
  readonly options: ServerOptions;
  readonly catalog: Catalog;
  /** The store of all files. */
  readonly bucket: Bucket;
  /** What the server logged, each line with its level. */
  readonly lines: Record<string, unknown>[];
  /** Moves the clock of the server forward. */
  advance(ms: number): void;
  token(principal: Partial<Principal>): Promise<string>;
  /** Asks with a token of the principal; null for none. The answer must be one that the document describes. */
  ask(who: Partial<Principal> | null, target: string, init?: RequestInit): Promise<Response>;
  /** Uploads one text file and answers its record. */
  store(
    who: Partial<Principal>,
    options?: { assetType?: string; name?: string; text?: string },
  ): Promise<AssetJson>;
}

export const SECRET = 'a secret for tests, thirty-two bytes or more';
export const METRICS_TOKEN = 'a token that only the scraper knows';

const NOTE: AssetType = {
  name: 'note',
  accepts: { 'text/plain': ['txt'] },
  fileBytesMax: 2 * MIB,
  keyTemplate: 'notes/{user_id}/{uuid}_{filename}',
  cacheControl: 'public, max-age=31536000, immutable',
  unusedDaysMax: null,
  filesPerRequestMax: 10,
  visibility: 'private',
};
const NOTICE: AssetType = {
  ...NOTE,
  name: 'notice',
  keyTemplate: 'notices/{uuid}_{filename}',
  visibility: 'public',
};
const ARCHIVE: AssetType = {
  ...NOTE,
  name: 'archive',
  fileBytesMax: 200 * MIB,
  keyTemplate: 'archives/{uuid}_{filename}',
  filesPerRequestMax: 1,
};

export interface FixtureChanges {
  readonly http?: Partial<ServerOptions['config']['http']>;
  readonly cdn?: ServerOptions['config']['cdn'];
  readonly filesPerHour?: number;
  readonly health?: HealthState;
  readonly wrapCatalog?: (catalog: Catalog) => Catalog;
  /** A store besides local disk, where records may lead. */
  readonly otherStore?: Bucket;
}

export async function openServerFixture(changes: FixtureChanges = {}): Promise<ServerFixture> {
  const dataDir = await mkdtemp(join(tmpdir(), 'stowage-http-'));
  let aheadMs = 0;
  const clock = { now: () => Date.now() + aheadMs };
  const lines: Record<string, unknown>[] = [];
  const log = recordingLog(lines);
  const opened = await openCatalog({ url: null, dataDir, log: silentLog, clock });
  const catalog = changes.wrapCatalog?.(opened.catalog) ?? opened.catalog;
  const local = await openLocalBackend({
    root: join(dataDir, 'files'),
    // The port is known only when the server listens: tests put the origin they listen on in its place.
    publicUrl: 'http://files.test',
    signingSecrets: [SECRET],
    freeBytesMin: 0,
    clock,
  });
  const bucket = new Bucket(local);
  const { otherStore } = changes;
  const stores = openableStores(bucket, async (backend) => {
    if (otherStore?.name !== backend) throw new Error(`There is no store of ${backend}.`);
    return otherStore;
  });
  const assetTypes = new Map([NOTE, NOTICE, ARCHIVE].map((type) => [type.name, type]));
  const intake = await createIntake({
    bucket,
    catalog,
    backendName: 'local',
    assetTypes,
    uploadLimit: { filesMax: changes.filesPerHour ?? FILES_PER_HOUR, windowSeconds: 3600 },
    spoolDir: join(dataDir, 'spool'),
    spoolBytesMax: 64 * MIB,
    clock,
    log,
  });
  const directUploads = createDirectUploads({
    bucket,
    catalog,
    assetTypes,
    uploadLimit: { filesMax: changes.filesPerHour ?? FILES_PER_HOUR, windowSeconds: 3600 },
    openMax: 10,
    stores,
    sealFirst: false,
    clock,
    log,
  });
  const removal = createRemoval({ stores, catalog, clock, log });
  const options: ServerOptions = {
    config: configOf(changes, assetTypes, join(dataDir, 'files')),
    catalog,
    stores,
    localFiles: { urls: local.urls, open: async () => local },
    intake,
    directUploads,
    removal,
    verifier: openTokenVerifier(ACCESS, clock),
    health: changes.health ?? HEALTHY,
    metrics: createMetrics({ processMetrics: false }),
    publicUrl: () => 'http://files.test',
    clock,
    log,
  };
  const app = buildServer(options);
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const origin = `http://127.0.0.1:${port}`;

  return {
    origin,
    port,
    options,
    catalog,
    bucket,
    lines,
    advance: (ms) => {
      aheadMs += ms;
    },
    ...caller(origin, clock, documentedAnswers(describeRoutes(options))),
    async [Symbol.asyncDispose]() {
      await app.close();
      await directUploads.close();
      await removal.close();
      await intake.close();
      await opened.close();
      await bucket.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** Ways to talk to the server. */
function caller(
  origin: string,
  clock: Clock,
  check: AnswerCheck,
): Pick<ServerFixture, 'token' | 'ask' | 'store'> {
  const token: ServerFixture['token'] = (principal) =>
    mintToken(ACCESS, {
      userId: 'alice',
      tenantId: 'acme',
      role: 'user',
      ...principal,
      lifetimeSeconds: 3600,
      nowMs: clock.now(),
    });
  const ask: ServerFixture['ask'] = async (who, target, init = {}) => {
    const url = new URL(target.replace('http://files.test', origin), origin);
    const answer = await fetch(url, {
      redirect: 'manual',
      ...init,
      headers: {
        ...(who === null ? {} : { authorization: `Bearer ${await token(who)}` }),
        ...(init.headers as Record<string, string> | undefined),
      },
    });
    await check(init.method ?? 'GET', url, answer);
    return answer;
  };
  const store: ServerFixture['store'] = async (who, options = {}) => {
    const { assetType = 'note', name = 'hello.txt', text = 'Hello, world.' } = options;
    const form = new FormData();
    form.append('asset_type', assetType);
    form.append('files', new File([text], name, { type: 'text/plain' }));
    const answer = await ask(who, '/api/upload', { method: 'POST', body: form });
    const body = (await answer.json()) as { uploads?: AssetJson[] };
    const [asset] = body.uploads ?? [];
    if (asset === undefined) throw new Error(`The upload failed: ${JSON.stringify(body)}`);
    return asset;
  };
  return { token, ask, store };
}

const ACCESS: TokenSettings = {
  jwtSecrets: [SECRET],
  jwksUrl: null,
  jwtIssuer: null,
  jwtAudience: null,
  jwtTenantClaim: 'tenant_id',
};

function configOf(changes: FixtureChanges, assetTypes: AssetTypes, path: string): ServerOptions['config'] {
  return {
    http: {
      host: '127.0.0.1',
      port: 0,
      publicUrl: null,
      corsOrigins: [],
      bodyBytesMax: 64 * 1024,
      trustProxy: [],
      metricsToken: METRICS_TOKEN,
      ...changes.http,
    },
    assetTypes,
    storage: {
      backend: 'local',
      signingSecrets: [SECRET],
      signedUrlSeconds: 3600,
      local: { path },
      encryptionKey: null,
      s3: null,
      azure: null,
      gcs: null,
    },
    cdn: changes.cdn ?? null,
    uploads: { filesPerHour: changes.filesPerHour ?? FILES_PER_HOUR },
  };
}

const FILES_PER_HOUR = 1000;

export const HEALTHY: HealthState = {
  snapshot: () => ({
    status: 'ok',
    dependencies: {
      database: { status: 'connected', latency_ms: 0.5 },
      storage: { status: 'connected', backend: 'local' },
    },
  }),
  readiness: () => 'ok',
};

function recordingLog(lines: Record<string, unknown>[]): Log {
  const at = (level: string) => (fields: object, message: string) => {
    lines.push({ level, ...fields, message });
  };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
