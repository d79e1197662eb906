import { isUtf8 } from 'node:buffer';
import { type ByteFeed, inspectorOf, type Parser } from '../byte-feed.ts';
import { holdsControl } from '../control-scan.ts';
import type { InspectionContext } from '../gate.ts';
import { refuse } from '../refusal.ts';
import { leadText } from '../script-leads.ts';
import { withoutCutCharacter } from '../text-head.ts';

/** Judges plain text, Markdown and CSV: UTF-8, no control characters, no markup at the beginning. */
export const textInspector = inspectorOf({
  read: readText,
  incomplete: () => notUtf8(),
});

const LEAD_BYTES = 4096;
const NOTHING = Buffer.alloc(0);

function* readText(feed: ByteFeed, { mediaType }: InspectionContext): Parser {
  const head: Buffer[] = [];
  let isHeadJudged = false;
  let cut: Buffer = NOTHING;
  while (yield* feed.more()) {
    const bytes = feed.use(feed.available);
    if (holdsControl(bytes)) {
      throw refuse(
        'text.control_character',
        'file_type_mismatch',
        'The file is no text: it holds control characters.',
      );
    }
    cut = judgeUtf8(cut, bytes);
    if (isHeadJudged) continue;
    if (feed.position >= LEAD_BYTES) {
      judgeLead(head.length === 0 ? bytes : Buffer.concat([...head, bytes]), mediaType);
      isHeadJudged = true;
      continue;
    }
    head.push(Buffer.from(bytes));
  }
  if (cut.length > 0) throw notUtf8();
  if (!isHeadJudged) judgeLead(Buffer.concat(head), mediaType);
}

/** Judges the bytes after those that were cut off; returns those that are cut off now, at most three. */
function judgeUtf8(cut: Buffer, bytes: Buffer): Buffer {
  if (cut.length === 0) return judgeWhole(bytes);
  // A character has four bytes at most, so three more always complete the one that was cut.
  const joinedBytes = Math.min(3, bytes.length);
  const seam = Buffer.concat([cut, bytes.subarray(0, joinedBytes)]);
  if (joinedBytes === bytes.length) return judgeWhole(seam);
  const whole = withoutCutCharacter(seam);
  const takenBytes = joinedBytes - (seam.length - whole.length);
  if (!isUtf8(whole)) throw notUtf8();
  return judgeWhole(bytes.subarray(Math.max(0, takenBytes)));
}

function judgeWhole(bytes: Buffer): Buffer {
  const whole = withoutCutCharacter(bytes);
  if (!isUtf8(whole)) throw notUtf8();
  return whole.length === bytes.length ? NOTHING : Buffer.from(bytes.subarray(whole.length));
}

/** What browsers take for a web page when they guess the type of plain text (WHATWG MIME Sniffing §7.1). */
const PAGE_LEAD = /^<(?:!--|(?:h[1-6]|div|font|table|a|b|br|p|img|ul|center)[\s>/])/i;
/** Markdown begins with such tags all the time; only a comment that hides what follows it is refused. */
const MARKDOWN_LEAD = /^<!--/;

function judgeLead(head: Buffer, mediaType: string): void {
  const lead = leadText(head.subarray(0, LEAD_BYTES));
  if (!(mediaType === 'text/markdown' ? MARKDOWN_LEAD : PAGE_LEAD).test(lead)) return;
  throw refuse('text.markup_lead', 'suspicious_content', 'The text file begins like a web page.');
}

function notUtf8() {
  return refuse('text.not_utf8', 'file_type_mismatch', 'The file is no text in UTF-8.');
}
