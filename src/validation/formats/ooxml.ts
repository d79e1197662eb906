import { inspectInOrder } from '../byte-intake.ts';
import type { Inspector, InspectorFactory } from '../gate.ts';
import { refuse } from '../refusal.ts';
import { watchFields } from './ooxml-fields.ts';
import { OFFICE_KINDS, type OfficeKind } from './ooxml-kinds.ts';
import { collectXml, elementsNamed, readXmlText, watchXml } from './ooxml-xml.ts';
import { duplicateEntry, passArchive } from './zip-archive.ts';
import { judgeEntryHead } from './zip-content.ts';
import { ArchiveBudget, NESTING_MAX } from './zip-limits.ts';

/** Judges docx, xlsx and pptx files; see `docs/reference/validation-documents.md` for the rules. */
export const ooxmlInspector: InspectorFactory = ({ mediaType }) => {
  const kind = OFFICE_KINDS.find((known) => known.mediaType === mediaType);
  if (kind === undefined) throw new Error(`There is no Office document of type ${mediaType}.`);
  return inspectPackage(kind, new ArchiveBudget(), 1);
};

/** The kind of Office document that goes with an extension. */
export function officeKindOf(extension: string): OfficeKind | undefined {
  return OFFICE_KINDS.find((kind) => kind.extension === extension);
}

/** Judges a document that lies inside `depth - 1` archives or documents; all of them share one budget. */
export function inspectPackage(kind: OfficeKind, budget: ArchiveBudget, depth: number): Inspector {
  return inspectInOrder(async (intake) => {
    const parts = new Set<string>();
    const contents = new PackageContents(kind);
    await passArchive(intake, budget, {
      depth,
      meet({ name }) {
        judgePartName(name.path);
        const part = name.path.toLowerCase();
        // To the packages of ECMA-376-2, names that differ in case alone are one name; readers choose between the two.
        if (parts.has(part)) throw duplicateEntry();
        parts.add(part);
      },
      open({ name }, head) {
        if (judgeEntryHead(head) === 'zip') return openEmbedded(name.extension, budget, depth);
        if (head.subarray(0, 4).equals(COMPOUND_FILE)) throw oleObject();
        return openPart(name.path, name.extension, contents);
      },
    });
    contents.finish(parts);
  });
}

const COMPOUND_FILE = Buffer.from([0xd0, 0xcf, 0x11, 0xe0]);

/** Charts carry their numbers as an embedded workbook; it is judged like the document itself. */
function openEmbedded(extension: string, budget: ArchiveBudget, depth: number): Inspector {
  const kind = officeKindOf(extension);
  if (kind === undefined || depth === NESTING_MAX) {
    throw refuse(
      'ooxml.embedded_archive',
      'suspicious_content',
      'The document holds an archive that is no Office document.',
    );
  }
  return inspectPackage(kind, budget, depth + 1);
}

function openPart(path: string, extension: string, contents: PackageContents): Inspector | undefined {
  if (path.toLowerCase() === '[content_types].xml') return collectXml((xml) => contents.readTypes(xml));
  if (extension === 'rels') return collectXml((xml) => contents.readRelationships(path, xml));
  if (/^xl\/externallinks\//i.test(path) && extension === 'xml') return watchExternalLink();
  if (/^word\//i.test(path) && extension === 'xml') return watchFields();
  return extension === 'xml' || extension === 'vml' ? watchXml() : undefined;
}

/** What parts are called that run programs. */
function judgePartName(path: string): void {
  const name = path.toLowerCase();
  if (/(?:^|\/)vba[^/]*\.(?:bin|xml)$|\/(?:macrosheets|dialogsheets)\//.test(name)) throw macros();
  if (/(?:^|\/)activex\//.test(name)) throw activeX();
  if (/(?:^|\/)embeddings\/[^/]*\.(?!(?:xlsx|docx|pptx|rels)$)[^/.]*$/.test(name)) throw oleObject();
}

/** What the package says about itself: content types and relationships. */
class PackageContents {
  readonly #kind: OfficeKind;
  /** Part names of the main type, in lower case without the first slash; an extension stands as `*.xml`. */
  readonly #mainParts: string[] = [];
  #hasTypes = false;
  #target: string | undefined;

  constructor(kind: OfficeKind) {
    this.#kind = kind;
  }

  readTypes(xml: string): void {
    this.#hasTypes = true;
    for (const element of ['Default', 'Override']) {
      for (const attributes of elementsNamed(xml, element)) {
        const type = (attributes.get('ContentType') ?? '').trim();
        judgeContentType(type);
        if (type.toLowerCase() !== this.#kind.mainType) continue;
        const part = attributes.get('PartName');
        this.#mainParts.push(part === undefined ? '*' : partName(part));
      }
    }
  }

  readRelationships(path: string, xml: string): void {
    for (const attributes of elementsNamed(xml, 'Relationship')) {
      const type = (attributes.get('Type') ?? '').split('/').at(-1)?.toLowerCase() ?? '';
      const target = attributes.get('Target') ?? '';
      const isExternal = attributes.get('TargetMode')?.trim().toLowerCase() === 'external';
      judgeRelationship(type, isExternal);
      if (type === 'officedocument' && path.toLowerCase() === '_rels/.rels') this.#target = partName(target);
    }
  }

  /** @param parts names of all parts, in lower case. */
  finish(parts: ReadonlySet<string>): void {
    if (!this.#hasTypes) throw notOffice('ooxml.no_content_types');
    const target = this.#target;
    const isMain =
      target !== undefined &&
      parts.has(target) &&
      this.#mainParts.some((part) => part === '*' || part === target);
    if (!isMain) throw notOffice('ooxml.wrong_kind', this.#kind);
  }
}

function partName(reference: string): string {
  return reference.replace(/^\//, '').toLowerCase();
}

function judgeContentType(type: string): void {
  if (/macroenabled|vbaproject|vbadata|intlmacrosheet|ms-excel\.macrosheet/i.test(type)) throw macros();
  if (/activex/i.test(type)) throw activeX();
  if (/oleobject/i.test(type)) throw oleObject();
}

/** Relationships whose external target is fetched or run when the document is opened. Hyperlinks wait for a click. */
const FETCHED_RELATIONSHIPS: ReadonlySet<string> = new Set([
  'attachedtemplate',
  'oleobject',
  'frame',
  'subdocument',
  'afchunk',
  'package',
]);

function judgeRelationship(type: string, isExternal: boolean): void {
  if (/^(?:vbaproject|wordvbadata|xlmacrosheet|xlintlmacrosheet)$/.test(type)) throw macros();
  if (type === 'control' || type === 'activexcontrolbinary') throw activeX();
  if (isExternal && FETCHED_RELATIONSHIPS.has(type)) {
    throw refuse(
      'ooxml.external_target',
      'suspicious_content',
      'The document loads a template or object from elsewhere when it is opened.',
    );
  }
  if (type === 'oleobject') throw oleObject();
}

/** A link to another workbook is normal; one to a program is not. */
function watchExternalLink(): Inspector {
  let tail = '';
  return readXmlText((text) => {
    if (/<(?:[\w.-]+:)?ddeLink[\s/>]/.test(tail + text)) {
      throw refuse(
        'ooxml.dde_link',
        'suspicious_content',
        'The workbook holds a link that starts programs (DDE).',
      );
    }
    tail = (tail + text).slice(-64);
  });
}

function macros() {
  return refuse('ooxml.macros', 'suspicious_content', 'The document contains macros.');
}

function activeX() {
  return refuse('ooxml.activex', 'suspicious_content', 'The document contains ActiveX controls.');
}

function oleObject() {
  return refuse('ooxml.embedded_object', 'suspicious_content', 'The document contains embedded objects.');
}

function notOffice(rule: string, kind?: OfficeKind) {
  const what = kind === undefined ? 'an Office document' : `a .${kind.extension} document`;
  const fields = kind === undefined ? { detected: 'application/zip' } : {};
  return refuse(rule, 'file_type_mismatch', `The content is not ${what}.`, fields);
}
