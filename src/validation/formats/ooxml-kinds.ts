/** A kind of Office Open XML document. */
export interface OfficeKind {
  readonly mediaType: string;
  readonly extension: string;
  /** Content type of its main part. */
  readonly mainType: string;
}

const OFFICE = 'application/vnd.openxmlformats-officedocument';

/** The kinds that are accepted; templates, shows and documents with macros are not among them. */
export const OFFICE_KINDS: readonly OfficeKind[] = [
  kind('docx', 'wordprocessingml.document'),
  kind('xlsx', 'spreadsheetml.sheet'),
  kind('pptx', 'presentationml.presentation'),
];

function kind(extension: string, name: string): OfficeKind {
  return { mediaType: `${OFFICE}.${name}`, extension, mainType: `${OFFICE}.${name}.main+xml` };
}
