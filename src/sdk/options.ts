import { StowageClientError } from './errors.ts';
import type { RetryPolicy } from './retry.ts';
import { chooseSend, type Fetch, globalFetch, type Send } from './transport.ts';

/** How a client reaches the service. */
export interface ClientOptions {
  /** Where the service is, without `/api`: `https://files.example.com`. */
  readonly url: string;
  /** The bearer token, or what gets one. A function is asked before each request, so it should keep what it has. */
  readonly token: string | (() => string | Promise<string>);
  /** Where direct uploads are begun and completed: an application's own routes in place of the service's; `/api/uploads`. */
  readonly uploadsPath?: string;
  /** Sends every request instead of the global `fetch`. Progress is then known per request only. */
  readonly fetch?: Fetch;
  /** Files of this size and larger go straight to the store, in bytes; 8 MiB. */
  readonly directBytesMin?: number;
  /** Files up to this size are hashed before they are sent, in bytes; 16 MiB. 0 hashes none. */
  readonly digestBytesMax?: number;
  /** Parts of one file that are sent side by side, 1 to 16; 4. */
  readonly partsInFlight?: number;
  /** How requests are tried again: 8 tries, waits from 500 ms to 30 s. */
  readonly retry?: Partial<RetryPolicy>;
  /** A request on which nothing moves for so long counts as cut, in milliseconds; 60,000. */
  readonly stallMs?: number;
}

/** The options with their defaults. */
export interface Settings {
  /** Without a slash at its end. */
  readonly url: string;
  readonly token: () => Promise<string>;
  /** Whether asking again for a token may give another. */
  readonly canRenewToken: boolean;
  /** Below `url`, without a slash at its end. */
  readonly uploadsPath: string;
  readonly fetch: Fetch;
  /** For requests with the bytes of files. */
  readonly send: Send;
  readonly directBytesMin: number;
  readonly digestBytesMax: number;
  readonly partsInFlight: number;
  readonly retry: RetryPolicy;
  readonly stallMs: number;
}

const MIB = 1024 * 1024;
const PARTS_IN_FLIGHT_MAX = 16;

/** @throws RangeError or TypeError for options that no client can work with. */
export function settingsOf(options: ClientOptions): Settings {
  const { token, retry = {}, fetch: ownFetch } = options;
  const settings: Settings = {
    url: new URL(options.url).href.replace(/\/+$/, ''),
    token: typeof token === 'string' ? async () => token : () => askForToken(token),
    canRenewToken: typeof token === 'function',
    uploadsPath: uploadsPathOf(options.uploadsPath ?? '/api/uploads'),
    // Called without an owner: that of a page refuses any other than its window.
    fetch: ownFetch === undefined ? globalFetch : (url, init) => ownFetch(url, init),
    send: chooseSend(ownFetch),
    directBytesMin: options.directBytesMin ?? 8 * MIB,
    digestBytesMax: options.digestBytesMax ?? 16 * MIB,
    partsInFlight: partsInFlightOf(options.partsInFlight ?? 4),
    retry: {
      attemptsMax: retry.attemptsMax ?? 8,
      delayMsMin: retry.delayMsMin ?? 500,
      delayMsMax: retry.delayMsMax ?? 30_000,
    },
    stallMs: options.stallMs ?? 60_000,
  };
  requirePositive('stallMs', settings.stallMs);
  requirePositive('retry.attemptsMax', settings.retry.attemptsMax);
  return settings;
}

/** @throws RangeError. */
function uploadsPathOf(path: string): string {
  if (/^\/[^?#\s]*[^?#\s/]$/.test(path)) return path;
  throw new RangeError('uploadsPath must begin with a slash, end without one and have no query.');
}

/** @throws StowageClientError `unauthenticated`: without a token the service would say the same. */
async function askForToken(ask: () => string | Promise<string>): Promise<string> {
  try {
    return await ask();
  } catch (cause) {
    throw new StowageClientError('unauthenticated', 'There is no token: asking for one failed.', { cause });
  }
}

/** @throws RangeError. */
export function partsInFlightOf(count: number): number {
  if (Number.isInteger(count) && count >= 1 && count <= PARTS_IN_FLIGHT_MAX) return count;
  throw new RangeError(`partsInFlight must be a whole number from 1 to ${PARTS_IN_FLIGHT_MAX}.`);
}

function requirePositive(name: string, value: number): void {
  if (!(value >= 1)) throw new RangeError(`${name} must be at least 1.`);
}
