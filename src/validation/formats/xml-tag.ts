import { refuse } from '../refusal.ts';

/** A start tag taken apart. */
export interface XmlTag {
  /** Whether the element ends with its tag (`<a/>`). */
  readonly isEmpty: boolean;
  readonly name: string;
  readonly attributes: readonly (readonly [name: string, value: string])[];
}

const NAME = '[\\p{L}_:][\\p{L}\\p{N}\\p{M}_:.\\u00b7-]{0,255}';
const START_TAG = new RegExp(`^<(${NAME})((?:\\s+${NAME}\\s*=\\s*(?:"[^<"]*"|'[^<']*'))*)\\s*(/?)>$`, 'u');
const ATTRIBUTE = new RegExp(`(${NAME})\\s*=\\s*(?:"([^<"]*)"|'([^<']*)')`, 'gu');

/** Most tags: no attributes, and ASCII only. */
const PLAIN_TAG = /^<([A-Za-z_][\w.:-]{0,255})(\/?)>$/;

/** Takes a start tag apart, from `<` to `>`; undefined when it is malformed. */
export function parseTag(text: string): XmlTag | undefined {
  const plain = PLAIN_TAG.exec(text);
  if (plain?.[1] !== undefined) return { isEmpty: plain[2] === '/', name: plain[1], attributes: [] };
  const [, name, attributeText = '', slash] = START_TAG.exec(text) ?? [];
  if (name === undefined) return undefined;
  const attributes = [...attributeText.matchAll(ATTRIBUTE)].map(
    ([, attribute = '', double, single]) => [attribute, double ?? single ?? ''] as const,
  );
  return { isEmpty: slash === '/', name, attributes };
}

/** Languages that browsers and XML tools run, by namespace; a document of data has no use for them. */
const ACTIVE_NAMESPACES =
  /^http:\/\/www\.w3\.org\/(?:1999\/xhtml|2000\/svg|1999\/xsl\/transform|1998\/math\/mathml)\/?$/i;
const INCLUSION_NAMESPACE = /^http:\/\/www\.w3\.org\/200[13]\/xinclude\/?$/i;

/** Refuses elements that are scripts or pages whatever their namespace is called. */
export function judgeElementName(name: string): void {
  if (!/(?:^|:)(?:script|svg|html|iframe|stylesheet)$/i.test(name)) return;
  throw refuse(
    'xml.active_element',
    'suspicious_content',
    'The XML document holds a script, a page or a style sheet.',
  );
}

/** Refuses doubled attributes, undeclared entities and the namespaces of what browsers and XML tools run. */
export function judgeAttributes(attributes: XmlTag['attributes']): void {
  const names = new Set<string>();
  for (const [name, value] of attributes) {
    if (names.has(name)) throw brokenXml('xml.malformed', 'is not a well-formed XML document');
    names.add(name);
    judgeReferences(value);
    if (name !== 'xmlns' && !name.startsWith('xmlns:')) continue;
    const namespace = resolveReferences(value).trim();
    if (ACTIVE_NAMESPACES.test(namespace)) {
      throw refuse(
        'xml.active_namespace',
        'suspicious_content',
        'The XML document holds a script, a page or a style sheet.',
      );
    }
    if (INCLUSION_NAMESPACE.test(namespace)) {
      throw refuse('xml.inclusion', 'suspicious_content', 'The XML document includes other documents.');
    }
  }
}

/** Longest reference, such as `&#x10FFFF;`, in characters. */
export const REFERENCE_CHARACTERS_MAX = 12;
/** XML 1.0 §4.1: the five names that need no declaration, and characters by number. */
const REFERENCE = /^&(?:lt|gt|amp|quot|apos|#(?:\d{1,7}|x[\da-fA-F]{1,6}));/;

/** Refuses a reference to an entity: none can be declared without a document type. */
export function judgeReferences(text: string): void {
  for (let at = text.indexOf('&'); at >= 0; at = text.indexOf('&', at + 1)) {
    if (REFERENCE.test(text.slice(at, at + REFERENCE_CHARACTERS_MAX))) continue;
    throw refuse(
      'xml.entity',
      'suspicious_content',
      'The XML document refers to an entity that it cannot have.',
    );
  }
}

/** The refusal of a file that is no well-formed XML document. */
export function brokenXml(rule: string, problem: string) {
  return refuse(rule, 'file_type_mismatch', `The file ${problem}.`, { detected: 'application/xml' });
}

function resolveReferences(value: string): string {
  return value.replaceAll(/&#(?:(\d{1,7})|x([\da-fA-F]{1,6}));/g, (_, decimal?: string, hex?: string) => {
    const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal);
    return code <= 0x10ffff ? String.fromCodePoint(code) : '\ufffd';
  });
}
