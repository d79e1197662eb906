import { refuse } from '../refusal.ts';
import { ObjectNumbers } from './pdf-numbers.ts';
import type { PdfDict, PdfObjectRules, PdfValue } from './pdf-objects.ts';

interface NameRule {
  readonly rule: string;
  readonly what: string;
}

const JAVASCRIPT: NameRule = { rule: 'pdf.javascript', what: 'contains JavaScript' };
const FORM: NameRule = { rule: 'pdf.form_action', what: 'contains a form that sends or loads data' };

/** Names that have no harmless use, wherever they stand. */
const FORBIDDEN_NAMES: ReadonlyMap<string, NameRule> = new Map([
  ['JavaScript', JAVASCRIPT],
  ['JS', JAVASCRIPT],
  ['Launch', { rule: 'pdf.launch', what: 'contains an action that starts programs' }],
  ['RichMedia', { rule: 'pdf.rich_media', what: 'contains rich media' }],
  ['SubmitForm', FORM],
  ['ImportData', FORM],
  ['XFA', { rule: 'pdf.xfa', what: 'contains an XFA form' }],
  ['GoToE', { rule: 'pdf.embedded_target', what: 'opens a document that is embedded in it' }],
]);

/** Actions that are harmless behind a click, and not when they run by themselves. */
const CLICK_ACTIONS: ReadonlySet<string> = new Set(['URI', 'GoToR', 'Movie', 'Sound', 'Rendition', 'Thread']);

/** Most files that may be attached. */
const ATTACHMENTS_MAX = 100;

/** What all objects of a document are judged by, those inside object streams included. */
export class PdfRules implements PdfObjectRules {
  readonly #clickActions = new ObjectNumbers();
  readonly #automatic = new ObjectNumbers();
  readonly #attached = new Set<number>();
  readonly #checkedXml = new Set<number>();
  #currentXml: number | undefined;
  readonly #otherObjects = new ObjectNumbers();

  name(name: string, isKey: boolean): void {
    const broken = FORBIDDEN_NAMES.get(name);
    if (broken !== undefined) {
      throw refuse(broken.rule, 'suspicious_content', `The PDF document ${broken.what}.`);
    }
    if (isKey && name === 'Encrypt') {
      throw refuse(
        'pdf.encrypted',
        'suspicious_content',
        'The PDF document is encrypted, so its content can’t be checked.',
      );
    }
  }

  dict(dict: PdfDict, object: number): void {
    const action = dict.values.get('S');
    if (action?.kind === 'name' && CLICK_ACTIONS.has(action.text)) {
      if (dict.isAutomatic) throw automaticAction();
      // The action of a link (/A) waits for a click even when the object around it is reached without one.
      if (dict.depth === 1 || (dict.depth === 2 && dict.role !== 'A')) this.#clickActions.add(object);
    }
    const files = dict.values.get('EF');
    if (files !== undefined) this.#attach(dict, files);
  }

  object(object: number, _dict: PdfDict | undefined, _isStream: boolean): void {
    // The embedded XML itself, whose data has just been read.
    if (object === this.#currentXml) this.#currentXml = undefined;
    else this.#otherObjects.add(object);
  }

  automaticReference(object: number): void {
    this.#automatic.add(object);
  }

  /** The object is an embedded file whose content was read and is an XML document. */
  checkedXml(object: number): void {
    if (this.#checkedXml.size === ATTACHMENTS_MAX) throw embeddedFile();
    this.#checkedXml.add(object);
    this.#currentXml = object;
  }

  /** Judges what only the whole document shows. */
  finish(): void {
    if (this.#automatic.meets(this.#clickActions)) throw automaticAction();
    for (const object of this.#attached) {
      // Defined a second time as something else: readers could take that one.
      if (!this.#checkedXml.has(object) || this.#otherObjects.has(object)) throw embeddedFile();
    }
  }

  /** A file specification with embedded files: all must be called `*.xml` and be checked as such. */
  #attach(specification: PdfDict, files: PdfValue): void {
    const names = ['F', 'UF']
      .map((key) => specification.values.get(key))
      .filter((name) => name !== undefined);
    const isXml = names.length > 0 && names.every((name) => name.kind === 'string' && isXmlName(name.text));
    if (!isXml || files.kind !== 'dict' || specification.hasDuplicates || files.dict.hasDuplicates)
      throw embeddedFile();
    for (const file of files.dict.values.values()) {
      if (file.kind !== 'reference' || this.#attached.size === ATTACHMENTS_MAX) throw embeddedFile();
      this.#attached.add(file.object);
    }
  }
}

/** Names are Latin text or UTF-16 with a byte order mark, whose zero bytes do not matter here. */
function isXmlName(text: string): boolean {
  return text.replaceAll('\0', '').toLowerCase().endsWith('.xml');
}

function automaticAction() {
  return refuse(
    'pdf.automatic_action',
    'suspicious_content',
    'The PDF document opens something else when it is opened.',
  );
}

/** Any embedded file but the XML of an electronic invoice. */
export function embeddedFile() {
  return refuse(
    'pdf.embedded_file',
    'suspicious_content',
    'The PDF document contains an embedded file that is not an XML document.',
  );
}
