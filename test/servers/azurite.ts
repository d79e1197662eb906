import { createRequire } from 'node:module';

/** Microsoft's emulator of Azure Blob Storage, in this process and in memory. */
export interface Azurite extends AsyncDisposable {
  /** For example `http://127.0.0.1:40123/devstoreaccount1`. */
  readonly accountUrl: string;
  readonly connectionString: string;
}

/** The emulator's account, the same everywhere and published: it opens nothing but a server on loopback. */
export const AZURITE_ACCOUNT = 'devstoreaccount1';
const PUBLISHED_KEY =
  'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

interface BlobServer {
  start(): Promise<void>;
  close(): Promise<void>;
  getHttpServerAddress(): string;
}

/** Files of a certificate: with it the emulator speaks https and takes tokens, whose claims but not signatures it checks. */
export interface AzuriteTls {
  readonly certPath: string;
  readonly keyPath: string;
}

/**
 * Starts a server on a port that the system picks. The first one of a process takes about two seconds to load, each
 * further one some milliseconds. Its telemetry is off.
 */
export async function startAzurite(tls?: AzuriteTls): Promise<Azurite> {
  const require = createRequire(import.meta.url);
  const { AzuriteTelemetryClient } = require('azurite/dist/src/common/Telemetry.js');
  AzuriteTelemetryClient.enableTelemetry = false;
  const { default: BlobConfiguration } = require('azurite/dist/src/blob/BlobConfiguration.js');
  const { default: BlobServerOf } = require('azurite/dist/src/blob/BlobServer.js');
  const settings = new BlobConfiguration(
    ...['127.0.0.1', 0, 5, 'metadata', 'extents', []],
    ...[false, undefined, false, undefined], // no access log, no debug log
    ...[false, false], // strict, and versions of the protocol are checked
    ...(tls === undefined ? ['', '', '', undefined] : [tls.certPath, tls.keyPath, '', 'basic']),
    ...[true, true], // account in the path; all in memory
  );
  const server: BlobServer = new BlobServerOf(settings);
  await server.start();
  const accountUrl = `${server.getHttpServerAddress()}/${AZURITE_ACCOUNT}`;
  return {
    accountUrl,
    connectionString: connectionString(accountUrl, PUBLISHED_KEY),
    [Symbol.asyncDispose]: () => server.close(),
  };
}

/** A connection string for the emulator's account with any key. */
export function connectionString(accountUrl: string, key: string): string {
  return `DefaultEndpointsProtocol=http;AccountName=${AZURITE_ACCOUNT};AccountKey=${key};BlobEndpoint=${accountUrl};`;
}
