/** An element of XML, without its attributes. */
export interface Element {
  readonly name: string;
  readonly children: readonly Element[];
  readonly text: string;
}

/** Reads a document. @throws Error when it is not well formed. */
export function parseXml(xml: string): Element {
  const open: { name: string; children: Element[]; text: string }[] = [{ name: '', children: [], text: '' }];
  for (const match of xml
    .replace(/^\s*<\?xml[^>]*\?>/, '')
    .matchAll(/<(\/?)([\w:.-]+)([^<>]*?)(\/?)>|([^<]+)/g)) {
    const [, closes, name = '', , isEmpty, text] = match;
    const top = open.at(-1);
    if (top === undefined) throw new Error('too many ends');
    if (text !== undefined) top.text += text;
    else if (closes === '/') {
      if (top.name !== name) throw new Error(`${name} ends inside ${top.name}`);
      open.pop();
      open.at(-1)?.children.push({ ...top, text: unescapeXml(top.text.trim()) });
    } else if (isEmpty === '/') top.children.push({ name, children: [], text: '' });
    else open.push({ name, children: [], text: '' });
  }
  const root = open[0]?.children[0];
  if (open.length !== 1 || root === undefined) throw new Error('it does not end');
  return root;
}

/** Writes an element and what is in it. */
export function writeXml({ name, children, text }: Element, attributes = ''): string {
  const inside = children.length > 0 ? children.map((child) => writeXml(child)).join('') : escapeXml(text);
  return `<${name}${attributes}>${inside}</${name}>`;
}

/** One element with a text. */
export function element(name: string, text: string | number): Element {
  return { name, children: [], text: String(text) };
}

export function group(name: string, ...children: readonly Element[]): Element {
  return { name, children, text: '' };
}

/** The first element of a name, however deep; undefined when there is none. */
export function find(root: Element, name: string): Element | undefined {
  if (root.name === name) return root;
  for (const child of root.children) {
    const found = find(child, name);
    if (found !== undefined) return found;
  }
  return undefined;
}

export function textAt(root: Element, name: string): string | undefined {
  return find(root, name)?.text;
}

/**
 * What may be in an element: names of elements with what may be in them, `text` for a leaf, `*` at the end of a name for
 * one that may be repeated, `!` for one that must be there.
 */
export type Shape = 'text' | { readonly [name: string]: Shape };

/** The first thing in an element that its shape does not know or misses; null when it fits. */
export function misfit(root: Element, shape: Shape, path = root.name): string | null {
  if (shape === 'text') return root.children.length === 0 ? null : `${path} has elements`;
  const counts = new Map<string, number>();
  for (const child of root.children) {
    const known = Object.keys(shape).find((name) => name.replace(/[*!]+$/, '') === child.name);
    if (known === undefined) return `${path}.${child.name} is not known`;
    counts.set(known, (counts.get(known) ?? 0) + 1);
    if ((counts.get(known) ?? 0) > 1 && !known.includes('*')) return `${path}.${child.name} is repeated`;
    const inside = misfit(child, shape[known] ?? 'text', `${path}.${child.name}`);
    if (inside !== null) return inside;
  }
  const missing = Object.keys(shape).find((name) => name.includes('!') && !counts.has(name));
  return missing === undefined ? null : `${path}.${missing.replace(/[*!]+$/, '')} is missing`;
}

export function escapeXml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

function unescapeXml(text: string): string {
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&apos;', "'")
    .replaceAll(/&#(x?)([0-9a-fA-F]+);/g, (_, hex: string, digits: string) =>
      String.fromCodePoint(Number.parseInt(digits, hex === 'x' ? 16 : 10)),
    )
    .replaceAll('&amp;', '&');
}
