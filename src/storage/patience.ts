import { MIB } from '../core/bytes.ts';

/** How long a store is waited for. */
export interface Patience {
  /** To open a connection, in milliseconds. */
  readonly connectMs: number;
  /** For the store to begin its answer, in milliseconds, besides what the body of the request takes. */
  readonly answerMs: number;
  /** Longest silence in the middle of an answer's body, in milliseconds. */
  readonly silenceMs: number;
}

export const DEFAULT_PATIENCE: Patience = { connectMs: 5_000, answerMs: 30_000, silenceMs: 30_000 };

/** Slowest transfer of a request's body that is waited for, in bytes per millisecond. */
const SEND_BYTES_PER_MS_MIN = MIB / 1000;

/** Time for a request with so large a body until its answer begins, in milliseconds. */
export function answerDeadlineMs(patience: Patience, sentBytes: number): number {
  return patience.answerMs + Math.ceil(sentBytes / SEND_BYTES_PER_MS_MIN);
}
