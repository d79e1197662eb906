import type { StowageError } from '../core/errors.ts';
import type { ByteFeed, Parser } from './byte-feed.ts';
import { refuse } from './refusal.ts';

/** Most bytes of padding after the end of an image: cameras and editors round files up to whole blocks. */
export const PADDING_BYTES_MAX = 1024 * 1024;

/** Zeros, ones (0xFF) and white space: what fills files up and means nothing. */
export function isPadding(byte: number): boolean {
  return byte === 0 || byte === 0xff || byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/**
 * Reads to the end of the file and refuses all but padding.
 *
 * @param what for the message, such as `the PNG image`.
 */
export function* expectPaddingOnly(feed: ByteFeed, what: string): Parser {
  const refusal = () =>
    refuse('image.bytes_after_end', 'suspicious_content', `The file has more data after the end of ${what}.`);
  let paddingBytes = 0;
  while (yield* feed.more()) {
    const bytes = yield* feed.some(PADDING_BYTES_MAX);
    if (!bytes.every(isPadding)) throw refusal();
    paddingBytes += bytes.length;
    if (paddingBytes > PADDING_BYTES_MAX) yield* refuseAfterPadding(feed, refusal);
  }
}

/**
 * Refuses a file for too much padding, once the padding ends: when the file is over its size limit as well, the limit stops it
 * first, and that is what its sender should hear.
 */
export function* refuseAfterPadding(feed: ByteFeed, refusal: () => StowageError): Parser<never> {
  while (yield* feed.more()) {
    if (!(yield* feed.some(PADDING_BYTES_MAX)).every(isPadding)) break;
  }
  throw refusal();
}
