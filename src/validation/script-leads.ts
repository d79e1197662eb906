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

/** What the beginning of a file would run as, in words; undefined when it is no script. */
export function scriptDanger(head: Buffer): string | undefined {
  const text = leadText(head)
    .replace(/^<\?xml\s[^>]*>/, '')
    .replace(SKIPPED, '');
  return SCRIPT_LEADS.find(([pattern]) => pattern.test(text))?.[1];
}

/** The head as text without what browsers and interpreters pass over: byte order mark, white space, comments. */
export function leadText(head: Buffer): string {
  return decodeHead(head).replace(SKIPPED, '');
}

/** One character per byte, or per code unit when the byte order mark says UTF-16. */
function decodeHead(head: Buffer): string {
  const mark = head.toString('latin1', 0, 2);
  const even = head.subarray(2, head.length & ~1);
  if (mark === '\u00ff\u00fe') return even.toString('utf16le');
  if (mark === '\u00fe\u00ff') return Buffer.from(even).swap16().toString('utf16le');
  return head.toString('latin1').replace(/^\u00ef\u00bb\u00bf/, '');
}
