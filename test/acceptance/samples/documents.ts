/** What differs between two PDFs made here. */
export interface PdfOptions {
  readonly text?: string;
  /** Entries added to the catalog dictionary, for example an open action. */
  readonly catalog?: string;
  /** Bodies of further objects, numbered from 6. */
  readonly objects?: readonly string[];
}

/** A PDF of one page with a line of text, its cross-reference table right to the byte. */
export function pdf({ text = 'Invoice 2026-001', catalog = '', objects = [] }: PdfOptions = {}): Buffer {
  const content = `BT /F1 18 Tf 20 60 Td (${text}) Tj ET`;
  const bodies = [
    `<< /Type /Catalog /Pages 2 0 R ${catalog}>>`,
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 100] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>',
    `<< /Length ${content.length} >>\nstream\n${content}\nendstream`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
    ...objects,
  ];
  let file = '%PDF-1.4\n%\xe2\xe3\xcf\xd3\n';
  const offsets = bodies.map((body, index) => {
    const offset = file.length;
    file += `${index + 1} 0 obj\n${body}\nendobj\n`;
    return offset;
  });
  const start = file.length;
  file += `xref\n0 ${bodies.length + 1}\n0000000000 65535 f \n`;
  for (const offset of offsets) file += `${String(offset).padStart(10, '0')} 00000 n \n`;
  file += `trailer\n<< /Size ${bodies.length + 1} /Root 1 0 R >>\nstartxref\n${start}\n%%EOF\n`;
  return Buffer.from(file, 'latin1');
}

/** Plain text in several scripts. */
export function plainText(seed = 1): Buffer {
  return Buffer.from(`Notes ${seed}\nGrüße, 你好, привет, مرحبا\n1 < 2 and 3 > 2.\n`);
}

/** A Markdown document. */
export function markdown(seed = 1): Buffer {
  return Buffer.from(`# Lesson ${seed}\n\n- one\n- *two*\n\n\`\`\`js\nconst x = 1;\n\`\`\`\n`);
}

/** An invoice in XML, as e-invoicing has it. */
export function invoiceXml(seed = 1): Buffer {
  return Buffer.from(
    `<?xml version="1.0" encoding="UTF-8"?>\n<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2">\n` +
      `  <ID>2026-${seed}</ID>\n  <IssueDate>2026-01-31</IssueDate>\n  <DocumentCurrencyCode>EUR</DocumentCurrencyCode>\n</Invoice>\n`,
  );
}
