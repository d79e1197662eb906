import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from 'pg';

/** How long a server that was told good-bye may take to close, in milliseconds. */
const END_MS_MAX = 1_000;

/** Ends a connection. One that its server does not close in time is left to itself: a frozen server closes nothing. */
export async function endClient(client: Client): Promise<void> {
  const waiting = new AbortController();
  const ended = client
    .end()
    .catch(() => undefined)
    .finally(() => waiting.abort());
  await Promise.race([
    ended,
    delay(END_MS_MAX, undefined, { signal: waiting.signal }).catch(() => undefined),
  ]);
  unreferenceClient(client);
}

/** Lets the process end although this connection is open. */
export function unreferenceClient(client: Client): void {
  if ('unref' in client && typeof client.unref === 'function') client.unref();
}
