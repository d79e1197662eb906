import { openAsBlob } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { type ClientOptions, createClient, type StowageClient } from '../../src/sdk/index.ts';
import { mp4Head } from '../acceptance/samples/media.ts';
import { type Environment, freePort, JWT_SECRET, type Service, startService } from '../acceptance/service.ts';
import { claimsFor, mintToken } from '../acceptance/tokens.ts';
import { type FaultyProxy, startFaultyProxy } from '../servers/chaos/proxy.ts';

const MIB = 1024 * 1024;
/** Above the size up to which a file goes up in one request. */
export const LONG_BYTES = 101 * MIB;
/** The parts of {@link longVideo}: six of 16 MiB and what is left. */
export const LONG_PARTS = 7;

/** A service that runs, and a way to it that breaks as the test says. */
export interface Stand extends AsyncDisposable {
  readonly service: Service;
  readonly proxy: FaultyProxy;
  /** A user's client, through the proxy; quick to try again. */
  clientOf(userId: string, options?: Partial<ClientOptions>): StowageClient;
  /** A video of 101 MiB in a file, read as it is sent. */
  longVideo(): Promise<File>;
}

/** Whether a request sends a part of a file to local disk. */
export function isPart(url: string | undefined): boolean {
  return url !== undefined && /^\/files\/incoming\/.*[?&]part=/.test(url);
}

/** Starts a service whose own URLs lead through the proxy. */
export async function openStand(environment: Environment = {}): Promise<Stand> {
  const port = await freePort();
  const proxy = await startFaultyProxy(port);
  const url = `http://127.0.0.1:${proxy.port}`;
  // On a cloud the bytes would pass the proxy by.
  const service = await startService(
    { PORT: String(port), PUBLIC_URL: url, ...environment },
    { backend: 'local' },
  );
  let files = 0;
  return {
    service,
    proxy,
    clientOf: (userId, options = {}) =>
      createClient({
        url,
        token: mintToken(claimsFor(userId), JWT_SECRET),
        retry: { attemptsMax: 4, delayMsMin: 10, delayMsMax: 50 },
        ...options,
      }),
    async longVideo() {
      // A file that is written again is another one to whoever has opened it.
      return await longVideoIn(service.directory, `long-${files++}.mp4`);
    },
    async [Symbol.asyncDispose]() {
      await service[Symbol.asyncDispose]();
      await proxy[Symbol.asyncDispose]();
    },
  };
}

/** Makes a video whose only sample is nothing but zeros, which cost no disk. */
export async function longVideoIn(directory: string, name: string): Promise<File> {
  const file = path.join(directory, name);
  const target = await open(file, 'w');
  await target.write(longVideoHead());
  await target.truncate(LONG_BYTES);
  await target.close();
  return new File([await openAsBlob(file)], name, { type: 'video/mp4' });
}

/** The bytes of {@link Stand.longVideo} that are not zero. */
export function longVideoHead(): Buffer {
  const headBytes = mp4Head(LONG_BYTES).length;
  return mp4Head(LONG_BYTES - headBytes);
}
