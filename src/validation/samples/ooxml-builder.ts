import { buildZip, type EntryPlan } from './zip-builder.ts';

const XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';
const RELATIONSHIP = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';
const WORD = 'http://schemas.openxmlformats.org/wordprocessingml/2006/main';

const MAIN_PARTS = {
  docx: { part: 'word/document.xml', type: 'wordprocessingml.document' },
  xlsx: { part: 'xl/workbook.xml', type: 'spreadsheetml.sheet' },
  pptx: { part: 'ppt/presentation.xml', type: 'presentationml.presentation' },
} as const;

/** What is special about an Office document. */
export interface OfficePlan {
  /** Name of the main part. */
  readonly part?: string;
  /** Content type of the main part. */
  readonly type?: string;
  /** More elements of the list of content types. */
  readonly types?: string;
  /** The list of content types, as it is; null for none. */
  readonly contentTypes?: string | Buffer | null;
  /** More relationships of the main part. */
  readonly relationships?: string;
  /** Body of the main part. */
  readonly body?: string;
  /** The main part, as it is. */
  readonly main?: string | Buffer;
  readonly parts?: readonly EntryPlan[];
  /** How the sizes of all parts follow their data, if they do. */
  readonly descriptor?: EntryPlan['descriptor'];
  /** The list of content types at the end. */
  readonly typesLast?: boolean;
}

/** Builds a small docx, xlsx or pptx file. */
export function buildOffice(kind: keyof typeof MAIN_PARTS, plan: OfficePlan = {}): Buffer {
  const main = MAIN_PARTS[kind];
  const part = plan.part ?? main.part;
  const type = plan.type ?? `application/vnd.openxmlformats-officedocument.${main.type}.main+xml`;
  const types: EntryPlan[] =
    plan.contentTypes === null
      ? []
      : [{ name: '[Content_Types].xml', data: plan.contentTypes ?? contentTypes(part, type, plan.types) }];
  const folder = part.slice(0, part.lastIndexOf('/') + 1);
  const entries: EntryPlan[] = [
    { name: '_rels/.rels', data: relationships(relationship('officeDocument', part)) },
    {
      name: part,
      data:
        plan.main ??
        `${XML}<w:document xmlns:w="${WORD}"><w:body>${plan.body ?? '<w:p/>'}</w:body></w:document>`,
    },
    {
      name: `${folder}_rels/${part.slice(folder.length)}.rels`,
      data: relationships(plan.relationships ?? ''),
    },
    ...(plan.parts ?? []),
  ];
  const ordered = plan.typesLast ? [...entries, ...types] : [...types, ...entries];
  return buildZip(
    ordered.map((entry) => (plan.descriptor ? { ...entry, descriptor: plan.descriptor } : entry)),
  );
}

/** The list of content types, with one main part. */
export function contentTypes(part: string, type: string, more = ''): string {
  return (
    `${XML}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">` +
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>' +
    '<Default Extension="xml" ContentType="application/xml"/>' +
    `<Override PartName="/${part}" ContentType="${type}"/>${more}</Types>`
  );
}

/** One relationship. */
export function relationship(type: string, target: string, mode = ''): string {
  const modeAttribute = mode === '' ? '' : ` TargetMode="${mode}"`;
  return `<Relationship Id="r${type}" Type="${RELATIONSHIP}/${type}" Target="${target}"${modeAttribute}/>`;
}

/** A part of relationships. */
export function relationships(content: string): string {
  return `${XML}<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">${content}</Relationships>`;
}
