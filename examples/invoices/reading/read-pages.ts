import { nothingRead, type ReadInvoice } from './invoice-fields.ts';
import { readPdf } from './page-lines.ts';
import { readTextInvoice } from './text-invoice.ts';
import { readXmlInvoice } from './xml-invoice.ts';

/** Reads a document that the gate has let in. What is embedded as XML counts before what is printed. */
export async function readPages(bytes: Uint8Array, mediaType: string): Promise<ReadInvoice> {
  switch (mediaType) {
    case 'application/xml':
      return readXmlInvoice(bytes) ?? nothingRead('The XML document is neither a UBL nor a CII invoice.');
    case 'application/pdf': {
      const { lines, attachments } = await readPdf(bytes);
      for (const { content } of attachments) {
        const invoice = readXmlInvoice(content);
        if (invoice !== null) return { ...invoice, source: 'pdf_xml' };
      }
      return readTextInvoice(lines);
    }
    default:
      return nothingRead('The document is a picture: nothing in it can be read. Please type the fields in.');
  }
}
