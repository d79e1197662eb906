import type { ByteFeed, Parser } from './byte-feed.ts';
import { refuse } from './refusal.ts';

// The patterns run on Latin-1 text, one character per byte. Those for binary regions are long enough never to appear
// by chance: the shortest fixes six bytes.
const ARCHIVE = String.raw`PK\u0003\u0004`;
const PROGRAM = String.raw`\u007fELF`;
/** What Windows programs say where DOS runs them; their own beginning is only two letters. */
const DOS_STUB = 'This program (?:cannot|can not|must) be run (?:in DOS mode|under Win)';
const BINARY_LEADS = new RegExp(
  String.raw`<\?php\s|<script[\s>/]|<!doctype\s+html|<html[\s>]|<iframe[\s>]|%PDF-1\.` +
    String.raw`|${ARCHIVE}[\n-?]\0|${PROGRAM}[\u0001\u0002][\u0001\u0002]|${DOS_STUB}`,
  'i',
);
const TEXT_LEADS = new RegExp(
  String.raw`<\?php|<\?=|<%[@=!]|<script|<!doctype\s+html|<html|<iframe|<svg[\s>]|<object\s|<embed\s` +
    String.raw`|<\w[^>]{0,200}?\son\w{2,20}\s?=|javascript:|%PDF-|${ARCHIVE}|${PROGRAM}`,
  'i',
);
/** What begins a program or an archive, at the very start of a region. */
const START_LEADS = new RegExp(String.raw`^(?:MZ|${PROGRAM}|#!\s*\/|${ARCHIVE}|Rar!|7z\u00bc\u00af)`);

/** A region of a file that is searched for the beginnings of programs, scripts and other formats. */
export interface SearchedRegion {
  readonly rule: string;
  /** For example `a comment of the JPEG image`. */
  readonly place: string;
  /** `text` is stricter: for short comments that people write, not for binary data. */
  readonly kind: 'text' | 'binary';
  /** Bytes that the format puts before the content: what begins a program is looked for behind them as well. */
  readonly headBytes?: number;
}

/** Refuses the bytes of a whole region when they hold a lead. */
export function refuseLead(bytes: Buffer, region: SearchedRegion): void {
  refuseLeadIn(bytes.toString('latin1'), true, region);
}

function refuseLeadIn(text: string, isStart: boolean, region: SearchedRegion): void {
  const { rule, place, kind, headBytes } = region;
  const found =
    (isStart ? START_LEADS.exec(text) : null) ??
    (isStart && headBytes !== undefined ? START_LEADS.exec(text.slice(headBytes)) : null) ??
    (kind === 'text' ? TEXT_LEADS : BINARY_LEADS).exec(text);
  if (found === null) return;
  throw refuse(rule, 'suspicious_content', `The file hides a ${nameLead(found[0])} in ${place}.`);
}

function nameLead(found: string): string {
  if (/^(?:<\?|<%)/.test(found)) return 'server script';
  if (found.startsWith('<') || /^javascript/i.test(found)) return 'web page or script';
  if (/^%pdf/i.test(found)) return 'PDF document';
  return /^(?:pk|rar|7z)/i.test(found) ? 'compressed archive' : 'program';
}

/** Longest lead in bytes: as much of a window is looked at again with the bytes that follow. */
const LEAD_BYTES_MAX = 64;
const WINDOW_BYTES = 64 * 1024;

/**
 * Passes over `byteCount` bytes and refuses a lead in them. The windows that are searched lie at fixed places, so that
 * the answer never depends on how the file was cut into chunks.
 *
 * @param watch sees the bytes too, in order.
 */
export function* skipSearching(
  feed: ByteFeed,
  byteCount: number,
  region: SearchedRegion,
  watch?: (bytes: Buffer) => void,
): Parser {
  let overlap = '';
  for (let passedBytes = 0; passedBytes < byteCount; ) {
    const window = yield* feed.take(Math.min(byteCount - passedBytes, WINDOW_BYTES));
    watch?.(window);
    const text = overlap + window.toString('latin1');
    refuseLeadIn(text, passedBytes === 0, region);
    overlap = text.slice(-LEAD_BYTES_MAX);
    passedBytes += window.length;
  }
}

/** Like {@link skipSearching}, to the end of the file. */
export function* searchToEnd(feed: ByteFeed, region: SearchedRegion, watch: (bytes: Buffer) => void): Parser {
  let overlap = '';
  while (yield* feed.more()) {
    const bytes = feed.use(Math.min(feed.available, WINDOW_BYTES));
    watch(bytes);
    const text = overlap + bytes.toString('latin1');
    refuseLeadIn(text, false, region);
    overlap = text.slice(-LEAD_BYTES_MAX);
  }
}
