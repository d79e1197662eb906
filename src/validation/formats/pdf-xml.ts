import { isUtf8 } from 'node:buffer';
import { MIB } from '../../core/bytes.ts';
import { refuse } from '../refusal.ts';

/** Largest embedded XML document. */
export const XML_BYTES_MAX = 5 * MIB;

/**
 * Judges an XML document that is embedded in another one, as electronic invoices are (ZUGFeRD, Factur-X): UTF-8, no
 * document type, and not a kind of XML that browsers run.
 *
 * @throws StowageError `suspicious_content`.
 */
export function judgeEmbeddedXml(bytes: Buffer): void {
  const isText = isUtf8(bytes) && !bytes.includes(0);
  const text = isText ? bytes.toString('utf8').replace(/^\ufeff/, '') : '';
  const root = /^\s*(?:<\?xml\s[^>]*\?>\s*)?(?:<!--.*?-->\s*)*<(?:[\w.-]+:)?([\w.-]+)[\s/>]/s.exec(text)?.[1];
  const isHarmless =
    root !== undefined &&
    !/^(?:html|svg|script|stylesheet|transform)$/i.test(root) &&
    !/<!DOCTYPE|<!ENTITY|<\?xml-stylesheet|http:\/\/www\.w3\.org\/(?:1999\/xhtml|2000\/svg)/i.test(text) &&
    text.trimEnd().endsWith('>');
  if (isHarmless) return;
  throw refuse(
    'pdf.embedded_xml',
    'suspicious_content',
    'The file embedded in the PDF document is not a plain XML document.',
  );
}
