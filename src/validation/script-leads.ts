const EVENT_HANDLER =
  'on(?:load|error|click|dblclick|mouse\\w+|focus\\w*|blur|change|input|key\\w+|submit|toggle|begin|end|animation\\w+|' +
  'transition\\w+|pointer\\w+|touch\\w+|wheel|scroll|resize|message|page\\w+|unload|beforeunload|copy|cut|paste|' +
  'drag\\w*|drop|start|finish)';

/** What a browser, a shell or a web server would run, where it stands at the beginning of a file. */
const SCRIPT_LEADS: readonly (readonly [pattern: RegExp, danger: string])[] = [
  [/^#!/, 'a script'],
  [/^<\?(?:php|=)/i, 'a PHP script'],
  [/^<%/, 'a server script'],
  [/^@echo\s+off/i, 'a Windows batch script'],
  [/^(?:<!doctype\s+svg[^>]*>\s*)?<(?:\w+:)?svg[\s>/]/i, 'an SVG image, which can hold scripts'],
  [/^<script[\s>/]/i, 'a script for browsers'],
  [/^(?:<!doctype\s+html|<(?:html|head|body)[\s>/])/i, 'a web page'],
  [/^<(?:frameset|iframe|style|title|object|embed|applet|link|meta|base|form|template)[\s>/]/i, 'a web page'],
  [new RegExp(`^<\\w[^>]*[\\s/"']${EVENT_HANDLER}\\s*=`, 'i'), 'a web page with a script'],
  [/^<\w[^>]*=\s*["']?\s*(?:javascript|vbscript)\s*:/i, 'a web page with a script'],
];

const SKIPPED = /^(?:\s|<!--[\s\S]*?-->)+/;

/** What each of them begins with. */
const FIRST_CHARACTERS = /^[#<@]/;

/** What a file with this {@link leadText} would run as, in words; undefined when it is no script. */
export function scriptDanger(lead: string): string | undefined {
  if (!FIRST_CHARACTERS.test(lead)) return undefined;
  const text = lead.replace(/^<\?xml\s[^>]*>/, '').replace(SKIPPED, '');
  return SCRIPT_LEADS.find(([pattern]) => pattern.test(text))?.[1];
}

/** As much of prose as anybody looks at, in bytes. */
const PROSE_BYTES = 64;

/**
 * The head as text without what browsers and interpreters pass over: byte order mark, white space, comments. Of a head
 * that begins with a letter or a digit, as prose does and nothing that runs, only the first characters.
 */
export function leadText(head: Buffer): string {
  if (isLetterOrDigit(head[0])) return head.toString('latin1', 0, PROSE_BYTES);
  return decodeHead(head).replace(SKIPPED, '');
}

function isLetterOrDigit(byte = 0): boolean {
  const lower = byte | 0x20;
  return (lower >= 0x61 && lower <= 0x7a) || (byte >= 0x30 && byte <= 0x39);
}

/** One character per byte, or per code unit when the byte order mark says UTF-16. */
function decodeHead(head: Buffer): string {
  if (head[0] === 0xff && head[1] === 0xfe) return head.toString('utf16le', 2, head.length & ~1);
  if (head[0] === 0xfe && head[1] === 0xff) {
    return Buffer.from(head.subarray(2, head.length & ~1))
      .swap16()
      .toString('utf16le');
  }
  const isMarked = head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf;
  return head.toString('latin1', isMarked ? 3 : 0);
}
