// The few shapes of XML that the store answers with: flat elements, no attributes we need, no comments.

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** The text of the first element of that name; undefined when there is none. */
export function elementText(xml: string, name: string): string | undefined {
  return elementTexts(xml, name)[0];
}

/** The decoded inside of every element of that name, in order; for elements that hold only text. */
export function elementTexts(xml: string, name: string): string[] {
  return elementBodies(xml, name).map(decodeEntities);
}

/** The inside of every element of that name as it stands, in order. */
export function elementBodies(xml: string, name: string): string[] {
  return [...xml.matchAll(new RegExp(`<${name}>([\\s\\S]*?)</${name}>`, 'g'))].map((match) => match[1] ?? '');
}

/** Text made safe to stand in an element. */
export function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function decodeEntities(text: string): string {
  return text.replaceAll(/&(?:#(\d+)|#x([\da-f]+)|(\w+));/gi, (whole, decimal, hexadecimal, name) => {
    if (decimal !== undefined) return String.fromCodePoint(Number(decimal));
    if (hexadecimal !== undefined) return String.fromCodePoint(Number.parseInt(hexadecimal, 16));
    return ENTITIES[name] ?? whole;
  });
}
