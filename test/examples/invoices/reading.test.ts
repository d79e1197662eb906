import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { deflateSync } from 'node:zlib';
import { PDFDocument, PDFName, PDFRawStream } from '@cantoo/pdf-lib';
import { FIELD_NAMES, SURE } from '../../../examples/invoices/reading/invoice-fields.ts';
import { readInvoice } from '../../../examples/invoices/reading/read-invoice.ts';
import { readPages } from '../../../examples/invoices/reading/read-pages.ts';
import { drawPdf, drawScan, grayPng } from './sample-pdf.ts';
import { ciiInvoice, ublInvoice } from './sample-xml.ts';
import { makeLaterSamples, makeSamples } from './samples.ts';

const encode = (text: string) => new TextEncoder().encode(text);
const FACTS = {
  ...{ number: 'R-1', date: '2026-01-02', supplier: 'Muster GmbH', currency: 'EUR' },
  ...{ net: '100.00', tax: '19.00', total: '119.00' },
};

describe('fields of invoices', () => {
  for (const [what, make, count] of [
    ['twenty layouts', makeSamples, 20],
    ['fourteen that were made later', makeLaterSamples, 14],
  ] as const) {
    test(`are read right in nine of ten places over ${what}, and what is wrong is not called sure`, async (t) => {
      const samples = await make();
      assert.equal(samples.length, count);
      const wrong: string[] = [];
      const sureAndWrong: string[] = [];
      for (const { filename, mediaType, bytes, facts } of samples) {
        const { fields } = await readPages(Uint8Array.from(bytes), mediaType);
        for (const name of FIELD_NAMES) {
          if (fields[name]?.value === facts[name]) continue;
          wrong.push(`${filename}: ${name} is ${facts[name]}, read as ${fields[name]?.value}`);
          if ((fields[name]?.confidence ?? 0) >= SURE) sureAndWrong.push(`${filename}: ${name}`);
        }
      }
      const all = samples.length * FIELD_NAMES.length;
      const share = Math.floor((100 * (all - wrong.length)) / all);
      t.diagnostic(`${all - wrong.length} of ${all} fields are right (${share} %)`);
      for (const each of wrong) t.diagnostic(`not right: ${each}`);
      assert.ok(wrong.length <= all / 10, wrong.join('\n'));
      assert.deepEqual(sureAndWrong, []);
    });
  }

  test('come from the XML where a PDF has one, whatever its pages say', async () => {
    const bytes = await drawPdf([[[50, 60, 'Invoice no. 999 of Somebody GmbH, total 1.00 EUR']]], {
      xml: { name: 'factur-x.xml', text: ciiInvoice(FACTS) },
    });
    const { source, fields } = await readPages(bytes, 'application/pdf');
    assert.equal(source, 'pdf_xml');
    assert.deepEqual(Object.fromEntries(FIELD_NAMES.map((name) => [name, fields[name]?.value])), FACTS);
  });

  test('are doubted when the sums of an electronic invoice do not add up', async () => {
    const { fields } = await readPages(encode(ublInvoice({ ...FACTS, total: '120.00' })), 'application/xml');
    assert.deepEqual([fields.total?.value, fields.total?.confidence], ['120.00', 0.5]);
    assert.equal(fields.number?.confidence, 1);
  });

  test('are read in any encoding that the gate lets in', async () => {
    const text = ublInvoice({ ...FACTS, supplier: 'Müller & Söhne' });
    const utf16 = Buffer.concat([
      Buffer.from([0xff, 0xfe]),
      Buffer.from(text.replace('UTF-8', 'UTF-16'), 'utf16le'),
    ]);
    const latin1 = Buffer.from(text.replace('UTF-8', 'ISO-8859-1'), 'latin1');
    for (const bytes of [utf16, latin1]) {
      const { fields } = await readPages(bytes, 'application/xml');
      assert.equal(fields.supplier?.value, 'Müller & Söhne');
    }
  });

  test('are not guessed: a scan, a picture, a letter and other XML say why there are none', async () => {
    const letter = await drawPdf([
      [
        [50, 60, 'Dear Sir, thank you for your letter of 3 May 2025.'],
        [50, 80, 'We are glad to hear that the garden is doing well and hope to visit in June.'],
      ],
    ]);
    const cases = [
      [await drawScan(), 'application/pdf', /scan/],
      [grayPng(20, 20), 'image/png', /picture/],
      [letter, 'application/pdf', /nothing in it says that it is an invoice/],
      [encode('<order><ID>7</ID></order>'), 'application/xml', /neither a UBL nor a CII/],
    ] as const;
    for (const [bytes, mediaType, words] of cases) {
      const { source, fields, message } = await readPages(bytes, mediaType);
      assert.deepEqual([source, fields], ['none', {}]);
      assert.match(message ?? '', words);
    }
  });

  test('are given up when a document is broken, or unpacks to more than there is memory for', async () => {
    const document = await PDFDocument.create();
    const page = document.addPage();
    const spaces = deflateSync(Buffer.alloc(160 * 1024 * 1024, ' '));
    const dict = document.context.obj({ Length: spaces.length, Filter: 'FlateDecode' });
    page.node.set(PDFName.of('Contents'), document.context.register(PDFRawStream.of(dict, spaces)));
    const bomb = await document.save();
    assert.ok(bomb.byteLength < 1024 * 1024, 'small as a file');
    const limits = { millisecondsMax: 60_000, bytesMax: 64 * 1024 * 1024 };
    for (const bytes of [encode('%PDF-1.7 and nothing else'), bomb]) {
      const { source, message } = await readInvoice(bytes, 'application/pdf', limits);
      assert.equal(source, 'none');
      assert.match(message ?? '', /could not be read/);
    }
    const { fields } = await readInvoice(encode(ublInvoice(FACTS)), 'application/xml');
    assert.equal(fields.number?.value, 'R-1', 'the next one is read as ever');
  });
});
