import { join, LINUX_PROGRAM, noise, PDF, PHP, plainZip, SCRIPT, u8 } from './parts.ts';
import { accepted, refused, type SampleCase } from './sample-cases.ts';

const text = (content: string) => () => Buffer.from(content);
const utf16 = (content: string) => Buffer.from(`\ufeff${content}`, 'utf16le');

const plainCases: readonly SampleCase[] = [
  accepted('a line of text', text('Hello\n')),
  accepted('text in many scripts', text('Grüße, привет, こんにちは, مرحبا, 👋🏽\r\n\tend\f')),
  accepted('text with a byte order mark', () => join(u8(0xef, 0xbb, 0xbf), 'Hello')),
  accepted('text that is cut by chunks in every character', text('👋é漢'.repeat(3000))),
  accepted(
    'text that speaks of scripts',
    text('To include a file write <script src="a.js"> and <?php echo 1 ?>.'),
  ),
  accepted('text that begins with a comparison', text('<3 this song; 2<4')),
  accepted('text that begins with an address in angle brackets', text('<ann@example.com> wrote:')),
  accepted('text that begins like a bitmap', text('BM is short for benchmark.')),
  accepted('text that begins like a Windows program', text('MZ was the name of the band.')),
  accepted('text declared with a character set', text('Hello'), { declared: 'text/plain; charset=utf-8' }),
  accepted('text of a hundred kilobytes', text('All work and no play. '.repeat(5000))),

  refused('content.unrecognised', 'text in Latin-1', () => join('Gr', u8(0xfc), u8(0xdf), 'e')),
  refused('content.unrecognised', 'text in UTF-16', () => utf16('Hello there')),
  refused('content.unrecognised', 'text with a NUL', () => join('Hello', u8(0), 'there')),
  refused('content.unrecognised', 'text with an escape character', () => join('Hello', u8(0x1b), '[31m red')),
  refused('content.unrecognised', 'noise', () => noise(500)),
  refused('text.not_utf8', 'text that ends inside a character', () => Buffer.from('Hello é').subarray(0, -1)),
  refused('text.not_utf8', 'text that is no UTF-8 after ten kilobytes', () =>
    join('a'.repeat(10_000), u8(0xfc), 'b'),
  ),
  // In pieces of seven bytes, as the gate's test sends them, the first byte of the character ends a piece.
  refused('text.not_utf8', 'a long text with a character that is cut short', () =>
    join('a'.repeat(7 * 1429 - 1), u8(0xe2), 'and so on'),
  ),
  refused('text.not_utf8', 'a long text that ends inside a character', () =>
    join('a'.repeat(10_000), u8(0xf0, 0x9f, 0x91)),
  ),
  refused('text.not_utf8', 'text with an overlong slash after ten kilobytes', () =>
    join('a'.repeat(10_000), u8(0xc0, 0xaf)),
  ),
  refused('text.control_character', 'text with a NUL after ten kilobytes', () =>
    join('a'.repeat(10_000), u8(0)),
  ),
  refused('text.control_character', 'text with a ZIP archive after it', () =>
    join('a'.repeat(10_000), plainZip()),
  ),
  refused('text.markup_lead', 'text that begins with a heading tag', text('<h1>Hello</h1>')),
  refused('text.markup_lead', 'text that begins with an image tag', text('\n\n <img src="x">')),
  refused(
    'text.markup_lead',
    'text that begins with a comment without end',
    text(`<!-- ${'x'.repeat(5000)} --><script>`),
  ),
  refused('content.runnable', 'text that is a web page', text('<!DOCTYPE html><html><body>Hi</body></html>')),
  refused(
    'content.runnable',
    'text that is a web page after white space and a comment',
    text(' \n<!-- hi -->\n<HTML>'),
  ),
  refused('content.runnable', 'text that is a web page after a byte order mark', () =>
    join(u8(0xef, 0xbb, 0xbf), '<html>'),
  ),
  refused('content.runnable', 'text that is a script for browsers', text(SCRIPT)),
  refused('content.runnable', 'text that is a frame', text('<iframe src="//evil.example"></iframe>')),
  refused('content.runnable', 'text that is a style sheet element', text('<style>body{}</style>')),
  refused('content.runnable', 'text that begins with an event handler', text('<b onclick=alert(1)>x</b>')),
  refused(
    'content.runnable',
    'text that begins with a script link',
    text('<a href="javascript:alert(1)">x</a>'),
  ),
  refused(
    'content.runnable',
    'text that is an SVG image',
    text('<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'),
  ),
  refused('content.runnable', 'text that is a PHP script', text(PHP)),
  refused('content.runnable', 'text that is a short PHP script', text('<?=`ls`?>')),
  refused('content.runnable', 'text that is a server page', text('<%@ Page Language="C#" %>')),
  refused('content.runnable', 'text that is a shell script', text('#!/bin/sh\nrm -rf /')),
  refused('content.runnable', 'text that is a batch script', text('@echo off\r\ndel *.*')),
  refused('content.runnable', 'a Linux program named .txt', () => LINUX_PROGRAM),
  refused('content.runnable', 'a web page in UTF-16 named .txt', () =>
    utf16('<html><script>alert(1)</script>'),
  ),
  refused('content.runnable', 'a web page in big-endian UTF-16 named .txt', () =>
    utf16('<script>alert(1)</script>').swap16(),
  ),
  refused('content.another_type', 'an XML document named .txt', text('<?xml version="1.0"?><a/>')),
  refused('content.another_type', 'a PDF document named .txt', () => join(PDF)),
  refused('content.another_type', 'rich text named .txt', text('{\\rtf1\\ansi Hello}')),
  refused('content.another_type', 'a PostScript program named .txt', text('%!PS-Adobe-3.0\nshowpage')),
  refused('size.empty', 'an empty file', () => Buffer.alloc(0)),
];

/** What makes a web page of a file that begins with it, and would pass in Markdown like other tags. */
const WEB_PAGE_LEADS = [
  '<!DOCTYPE html>',
  '<head>',
  '<body>',
  '<frameset rows="*">',
  '<iframe src="//evil.example">',
  '<style>',
  '<title>',
  '<object data="//evil.example">',
  '<embed src="//evil.example">',
  '<applet code="a">',
  '<link rel="import" href="//evil.example">',
  '<meta http-equiv="refresh" content="0">',
  '<base href="//evil.example">',
  '<form action="//evil.example">',
  '<template shadowrootmode="open">',
  '<a href="javascript:alert(1)">',
  '<a href="vbscript:msgbox(1)">',
];

const markdownCases: readonly SampleCase[] = [
  accepted(
    'a Markdown page',
    text('# Title\n\nText with <b>tags</b>.\n\n```html\n<script>alert(1)</script>\n```\n'),
  ),
  accepted(
    'a Markdown page that begins with a centred image',
    text('<p align="center"><img src="logo.png"></p>\n'),
  ),
  accepted('a Markdown page that begins with a comment', text('<!-- prettier-ignore -->\n# Title')),
  accepted('a Markdown page declared as plain text', text('# Title'), { declared: 'text/plain' }),
  accepted('a Markdown page declared by its older name', text('# Title'), { declared: 'text/x-markdown' }),
  refused('content.runnable', 'a Markdown page that is a web page', text('<html><body>')),
  ...WEB_PAGE_LEADS.map((tag) =>
    refused('content.runnable', `a Markdown page that begins with ${tag}`, text(`${tag}Hi`)),
  ),
  refused('content.runnable', 'a Markdown page that begins with a script', text(`${SCRIPT}\n# Title`)),
  refused(
    'content.runnable',
    'a Markdown page that begins with an event handler',
    text('<img src=x onerror=alert(1)>'),
  ),
  refused(
    'content.runnable',
    'a Markdown page that begins with a script after a comment',
    text(`<!-- a --> ${SCRIPT}`),
  ),
  refused(
    'text.markup_lead',
    'a Markdown page behind a comment without end',
    text(`<!-- ${'x'.repeat(5000)}`),
  ),
];

/** Plain text. */
export const PLAIN_TEXT_SAMPLES = plainCases.map((make) => make('notes.txt', 'text/plain'));
/** Markdown. */
export const MARKDOWN_SAMPLES = markdownCases.map((make) => make('readme.md', 'text/markdown'));
