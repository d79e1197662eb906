import { join, PHP, u8 } from './parts.ts';
import { accepted, refused, type SampleCase } from './sample-cases.ts';

const DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n';
const UBL = 'urn:oasis:names:specification:ubl:schema:xsd:Invoice-2';
const INVOICE = `${DECLARATION}<!-- An invoice -->
<ubl:Invoice xmlns:ubl="${UBL}" xmlns='urn:x'>
  <ID>4711</ID><Note>A &amp; B &lt; C &#233; &#x20AC;</Note>
  <Amount currencyID="EUR" kind='a>b'>12.50</Amount>
  <Text><![CDATA[<b> & ]] done]]></Text><Empty/>
</ubl:Invoice>
`;
const text = (content: string) => () => Buffer.from(content);
const inside = (content: string) => text(`${DECLARATION}<a>${content}</a>`);

const cases: readonly SampleCase[] = [
  accepted('an invoice in XML', text(INVOICE)),
  accepted('an XML document without a declaration', text('<note>Hi</note>'), { declared: 'text/xml' }),
  accepted('an XML document with a byte order mark', () => join(u8(0xef, 0xbb, 0xbf), INVOICE)),
  accepted('an XML document in UTF-16', () =>
    Buffer.from(`\ufeff${INVOICE.replace('UTF-8', 'UTF-16')}`, 'utf16le'),
  ),
  accepted('an XML document in big-endian UTF-16', () =>
    Buffer.from(`\ufeff${INVOICE.replace('UTF-8', 'UTF-16')}`, 'utf16le').swap16(),
  ),
  accepted('an XML document in Latin-1', () =>
    Buffer.from('<?xml version="1.0" encoding="ISO-8859-1"?><a>Grüße</a>', 'latin1'),
  ),
  accepted('an XML document with an embedded file in base64', inside(`<b>${'QUJD'.repeat(60_000)}</b>`)),
  accepted(
    'an XML document with a harmless instruction',
    text(`${DECLARATION}<?app keep="1"?><a/><?app end?>`),
  ),
  accepted(
    'an XML document of two hundred levels',
    text(`${DECLARATION}${'<a>'.repeat(200)}${'</a>'.repeat(200)}`),
  ),
  accepted('an XML document with names in another script', text(`${DECLARATION}<счёт сумма="5"/>`)),
  accepted('an XML document with an attribute called online', text('<Order online="yes"/>')),
  accepted('an XML document of many elements', inside('<b c="1">text</b>\n'.repeat(5000))),

  refused(
    'xml.doctype',
    'an XML document that reads a file by an entity',
    text(`${DECLARATION}<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>`),
  ),
  refused(
    'xml.doctype',
    'an XML document whose entities multiply',
    text(`${DECLARATION}<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;">]><a>&c;</a>`),
  ),
  refused(
    'xml.doctype',
    'an XML document with a document type and no declaration',
    text('<!DOCTYPE a SYSTEM "a.dtd"><a/>'),
  ),
  refused('xml.entity', 'an XML document with an entity that nothing declares', inside('&nbsp;')),
  refused('xml.entity', 'an XML document with a stray ampersand', inside('Fish & chips')),
  refused('xml.entity', 'an XML document with an entity in an attribute', inside('<b c="&x;"/>')),
  refused(
    'xml.instruction',
    'an XML document with a style sheet',
    text(`${DECLARATION}<?xml-stylesheet type="text/xsl" href="//evil.example"?><a/>`),
  ),
  refused('xml.instruction', 'an XML document with a PHP script', inside(PHP)),
  refused('xml.active_element', 'an XML document with a script element', inside('<script>alert(1)</script>')),
  refused(
    'xml.active_element',
    'an XML document with a script element under a prefix',
    inside('<h:script xmlns:h="urn:x">alert(1)</h:script>'),
  ),
  refused('xml.active_element', 'an XML document with an SVG image inside', inside('<svg/>')),
  refused(
    'xml.active_namespace',
    'an XML document in the namespace of web pages',
    text(`${DECLARATION}<x:a xmlns:x="http://www.w3.org/1999/xhtml"/>`),
  ),
  refused(
    'xml.active_namespace',
    'an XML document that spells the namespace of web pages in numbers',
    inside('<b xmlns="&#104;ttp://www.w3.org/1999/x&#x68;tml"/>'),
  ),
  refused(
    'xml.active_namespace',
    'an XML document with a transformation',
    text(`${DECLARATION}<t xmlns:x='http://www.w3.org/1999/XSL/Transform'/>`),
  ),
  refused(
    'xml.inclusion',
    'an XML document that includes a file',
    inside('<i:include xmlns:i="http://www.w3.org/2001/XInclude" href="/etc/passwd"/>'),
  ),
  refused(
    'xml.too_deep',
    'an XML document of a thousand levels',
    text(`${DECLARATION}${'<a>'.repeat(1000)}${'</a>'.repeat(1000)}`),
  ),
  refused(
    'xml.tag_too_long',
    'an XML document with an attribute of a hundred kilobytes',
    inside(`<b c="${'x'.repeat(100_000)}"/>`),
  ),
  refused('xml.incomplete', 'an XML document cut off in its middle', text(INVOICE.slice(0, 200))),
  refused('xml.incomplete', 'an XML document cut off in a tag', text(`${DECLARATION}<a><b`)),
  refused('xml.incomplete', 'an XML document cut off in a comment', text(`${DECLARATION}<a/><!-- and`)),
  refused('xml.incomplete', 'an XML declaration alone', text(DECLARATION)),
  refused('xml.malformed', 'an XML document whose tags do not match', inside('<b></c>')),
  refused(
    'xml.malformed',
    'an XML document whose declaration does not end',
    text(`<?xml version="1.0"${' '.repeat(300)}?><a/>`),
  ),
  refused('xml.malformed', 'an XML document in UTF-16 whose declaration does not end', () =>
    Buffer.from(`\ufeff<?xml version="1.0"${' '.repeat(300)}?><a/>`, 'utf16le'),
  ),
  refused(
    'xml.malformed',
    'an XML document with raw text before its root',
    text(`${DECLARATION}<![CDATA[x]]><a/>`),
  ),
  refused(
    'xml.malformed',
    'an XML document with an instruction of a very long name',
    text(`${DECLARATION}<?${'a'.repeat(300)} b?><a/>`),
  ),
  refused('xml.malformed', 'an XML document with two roots', text(`${DECLARATION}<a/><b/>`)),
  refused('xml.malformed', 'an XML document with text after its root', text(`${DECLARATION}<a/>tail`)),
  refused(
    'xml.malformed',
    'an XML document with a script after its root',
    text(`${DECLARATION}<a/>\nalert(1)`),
  ),
  refused('xml.malformed', 'an XML document with an attribute twice', inside('<b c="1" c="2"/>')),
  refused('xml.malformed', 'an XML document with an attribute without quotes', inside('<b c=1/>')),
  refused('xml.malformed', 'an XML document with two dashes in a comment', inside('<!-- a -- b -->')),
  refused('xml.malformed', 'an XML document with the end of a CDATA section in its text', inside('a ]]> b')),
  refused('xml.malformed', 'an XML document with a second declaration', inside('<?xml version="1.0"?>')),
  refused(
    'xml.control_character',
    'an XML document with a control character',
    text(`${DECLARATION}<a>${'x'.repeat(5000)}\u0001</a>`),
  ),
  refused(
    'xml.encoding',
    'an XML document in UTF-7',
    text('<?xml version="1.0" encoding="UTF-7"?><a>+ADw-script+AD4-</a>'),
  ),
  refused('xml.encoding', 'an XML document that is not in the encoding that it names', () =>
    join('<?xml version="1.0" encoding="UTF-8"?><a>Gr', u8(0xfc), 'n</a>'),
  ),
  refused(
    'content.runnable',
    'a web page named .xml',
    text(`${DECLARATION}<html xmlns="http://www.w3.org/1999/xhtml"/>`),
  ),
  refused(
    'content.runnable',
    'an SVG image named .xml',
    text(`${DECLARATION}<!-- a --><svg xmlns="http://www.w3.org/2000/svg"/>`),
  ),
  refused('content.another_type', 'plain text named .xml', text('Hello')),
];

/** XML documents. */
export const XML_SAMPLES = cases.map((make) => make('invoice.xml', 'application/xml'));
