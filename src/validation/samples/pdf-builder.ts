import { deflateSync } from 'node:zlib';

/** A stream object; the length is added to its dictionary. */
export interface PdfStream {
  /** Inside of its dictionary, without the brackets. */
  readonly dict: string;
  readonly data: string | Buffer;
  /** Packs the data and says so. */
  readonly flate?: boolean;
}

/** What surrounds the objects. */
export interface PdfPlan {
  readonly header?: string;
  /** More of the trailer's dictionary. */
  readonly trailer?: string;
  /** A cross-reference stream instead of a table and a trailer. */
  readonly xrefStream?: boolean;
  readonly afterEnd?: string | Buffer;
  /** Text between the objects and the cross-reference table. */
  readonly beforeTable?: string;
  readonly lineEnd?: '\n' | '\r\n' | '\r';
}

/** The catalog and one empty page, as objects 1 to 3. */
export const PAGE: readonly string[] = [
  '<< /Type /Catalog /Pages 2 0 R >>',
  '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
  '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] >>',
];

/** A page whose catalog says more. */
export const pageWith = (catalog: string, ...more: (string | PdfStream)[]): (string | PdfStream)[] => [
  `<< /Type /Catalog /Pages 2 0 R ${catalog} >>`,
  ...PAGE.slice(1),
  ...more,
];

/** Builds a PDF document of objects 1, 2, 3 and so on. */
export function buildPdf(objects: readonly (string | PdfStream)[] = PAGE, plan: PdfPlan = {}): Buffer {
  const end = plan.lineEnd ?? '\n';
  const pieces: Buffer[] = [
    Buffer.from(`${plan.header ?? '%PDF-1.7'}${end}%\xe2\xe3\xcf\xd3${end}`, 'latin1'),
  ];
  const offsets: number[] = [];
  let offset = pieces[0]?.byteLength ?? 0;
  const add = (piece: Buffer) => {
    pieces.push(piece);
    offset += piece.byteLength;
  };
  for (const [index, object] of objects.entries()) {
    offsets.push(offset);
    add(buildObject(index + 1, object, end));
  }
  if (plan.beforeTable) add(Buffer.from(plan.beforeTable, 'latin1'));
  const trailer = `/Size ${objects.length + 2} /Root 1 0 R ${plan.trailer ?? ''}`;
  const table = offset;
  if (plan.xrefStream) {
    const data = Buffer.alloc((objects.length + 2) * 4, 1);
    add(
      buildObject(objects.length + 1, { dict: `/Type /XRef /W [1 2 1] ${trailer}`, data, flate: true }, end),
    );
  } else {
    const lines = offsets.map((at) => `${String(at).padStart(10, '0')} 00000 n \n`).join('');
    add(
      Buffer.from(
        `xref${end}0 ${objects.length + 1}${end}0000000000 65535 f \n${lines}trailer${end}<< ${trailer} >>${end}`,
      ),
    );
  }
  return Buffer.concat([
    ...pieces,
    Buffer.from(`startxref${end}${table}${end}%%EOF`),
    Buffer.from(plan.afterEnd ?? '\n'),
  ]);
}

function buildObject(number: number, object: string | PdfStream, end: string): Buffer {
  if (typeof object === 'string')
    return Buffer.from(`${number} 0 obj${end}${object}${end}endobj${end}`, 'latin1');
  const raw = Buffer.from(object.data as string, 'latin1');
  const data = object.flate ? deflateSync(raw) : raw;
  const filter = object.flate ? ' /Filter /FlateDecode' : '';
  const dataEnd = end === '\r' ? '\r\n' : end;
  return Buffer.concat([
    Buffer.from(
      `${number} 0 obj${end}<< ${object.dict}${filter} /Length ${data.byteLength} >>${end}stream${dataEnd}`,
      'latin1',
    ),
    data,
    Buffer.from(`${end}endstream${end}endobj${end}`),
  ]);
}

/** An object stream of objects by number; `lies` replaces its table or dictionary. */
export function objectStream(
  objects: readonly (readonly [object: number, content: string])[],
  lies: {
    readonly table?: string;
    readonly dict?: string;
    readonly first?: number;
    readonly flate?: boolean;
  } = {},
): PdfStream {
  let content = '';
  const pairs = objects.map(([object, text]) => {
    const pair = `${object} ${content.length}`;
    content += `${text}\n`;
    return pair;
  });
  const table = `${lies.table ?? pairs.join(' ')}\n`;
  return {
    dict: lies.dict ?? `/Type /ObjStm /N ${objects.length} /First ${lies.first ?? table.length}`,
    data: table + content,
    flate: lies.flate ?? true,
  };
}

/** An embedded XML document and its file specification, as objects 4 and 5. */
export function attachment(
  plan: {
    readonly name?: string;
    readonly xml?: string | Buffer;
    readonly subtype?: string;
    readonly flate?: boolean;
    readonly specification?: string;
  } = {},
): (string | PdfStream)[] {
  const name = plan.name ?? 'factur-x.xml';
  return [
    {
      dict: `/Type /EmbeddedFile /Subtype ${plan.subtype ?? '/text#2Fxml'}`,
      data:
        plan.xml ??
        '<?xml version="1.0" encoding="UTF-8"?>\n<rsm:CrossIndustryInvoice xmlns:rsm="urn:x"><a/></rsm:CrossIndustryInvoice>\n',
      flate: plan.flate ?? true,
    },
    plan.specification ??
      `<< /Type /Filespec /F (${name}) /UF (${name}) /AFRelationship /Alternative /EF << /F 4 0 R /UF 4 0 R >> >>`,
  ];
}
