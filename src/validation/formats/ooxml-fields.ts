import type { Inspector } from '../gate.ts';
import { refuse } from '../refusal.ts';
import { decodeEntities, readXmlText } from './ooxml-xml.ts';

/** Longest tag or field code that is understood; longer ones begin with their first characters all the same. */
const CARRIED_CHARACTERS_MAX = 64 * 1024;

/**
 * Watches a part of a Word document for fields that start programs (Dynamic Data Exchange). A field's code may be cut
 * into many runs; it begins where a field begins.
 */
export function watchFields(): Inspector {
  let carried = '';
  const field = new FieldCode();
  return readXmlText((text) => {
    const window = carried + text;
    let end = 0;
    for (const match of window.matchAll(FIELD_MARKUP)) {
      end = match.index + match[0].length;
      const { begin, simple, code } = match.groups ?? {};
      if (begin !== undefined) field.begin();
      if (simple !== undefined) field.judge(simple.slice(1));
      if (code !== undefined) field.add(code);
    }
    // A tag, or a field code, that the piece's end cuts is looked at with the next piece.
    carried = (CUT_MARKUP.exec(window.slice(end))?.[0] ?? '').slice(0, CARRIED_CHARACTERS_MAX);
  });
}

const FIELD_MARKUP =
  /<(?:[\w.-]+:)?(?:fldChar\s[^<>]*fldCharType\s*=\s*["'](?<begin>begin)["'][^<>]*|fldSimple\s[^<>]*instr\s*=\s*(?<simple>"[^"<]*|'[^'<]*)["'][^<>]*|(?:instrText|delInstrText)(?:\s[^<>]*)?(?<!\/)>(?<code>[^<]*)<\/[^>]*)>/g;
const CUT_MARKUP = /<(?:[\w.-]+:)?(?:instrText|delInstrText)\b[^<>]*>[^<]*(?:<[^<>]*)?$|<[^<>]*$/;

/** The first characters of the field code that is being spelled. */
class FieldCode {
  #code = '';

  begin(): void {
    this.#code = '';
  }

  add(text: string): void {
    if (this.#code.length > 256) return;
    this.#code += decodeEntities(text);
    this.judge(this.#code);
  }

  judge(code: string): void {
    if (!/^\s*"?\s*DDE(?:AUTO)?(?:\s|$)/i.test(decodeEntities(code))) return;
    throw refuse('ooxml.dde', 'suspicious_content', 'The document holds a field that starts programs (DDE).');
  }
}
