import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { start } from '../../../examples/invoices/main.ts';
import { openStand, type Stand } from '../stand.ts';
import { type Answer, fileOf, type Person, personOf, registerPerson, request, tokensOf } from './client.ts';
import { drawScan, grayPng } from './sample-pdf.ts';
import { ublInvoice } from './sample-xml.ts';
import { makeSamples, type Sample } from './samples.ts';

const BY_HAND = {
  number: 'R-7',
  date: '2026-01-31',
  supplier: 'Hand GmbH',
  currency: 'EUR',
  total: '119.00',
};
const UNKNOWN = '00000000-0000-4000-8000-000000000000';

interface LogEntry {
  readonly action: string;
  readonly user_id: string;
  readonly key: string;
  readonly user_agent: string;
}

for (const backend of ['local', 's3'] as const) {
  describe(`invoices on ${backend}`, () => {
    let stand: Stand;
    let ana: Person;
    let foreigner: Person;
    let samples: readonly Sample[];
    before(async () => {
      samples = await makeSamples();
      stand = await openStand(start, { backend });
      ana = await registerPerson(stand.origin, 'ana@acme.example');
      foreigner = await registerPerson(stand.origin, 'fritz@globex.example');
    });
    after(() => stand?.[Symbol.asyncDispose]());

    const sampleFile = (filename: string): File => {
      const sample = samples.find((each) => each.filename === filename);
      assert.ok(sample);
      return fileOf(sample.bytes, filename, sample.mediaType);
    };
    const picture = (name = 'receipt.png') => fileOf(grayPng(30, 40), name, 'image/png');
    const idOf = ({ body }: Answer) => String(body.invoice_id);
    const listOf = async (person: Person) =>
      (await person.ask('GET', '/invoices')).body.invoices as unknown[];
    const book = async (person: Person, amount = '1234.63') => {
      const booking = { booked_on: '2026-01-02', description: 'Office chairs', currency: 'EUR', amount };
      const { status, body } = await person.ask('POST', '/transactions', booking);
      assert.equal(status, 201);
      return String(body.transaction_id);
    };
    /** The document itself, however the backend hands it out. */
    const documentOf = async (person: Person, invoiceId: string): Promise<Uint8Array> => {
      const answer = await fetch(`${stand.origin}/invoice/download?invoice_id=${invoiceId}`, {
        headers: { authorization: `Bearer ${person.tokens.access_token}` },
      });
      assert.equal(answer.status, 200);
      if (backend === 'local') return await answer.bytes();
      const { download_url, expires_in_seconds } = (await answer.json()) as Record<string, unknown>;
      assert.ok(Number(expires_in_seconds) > 3000 && Number(expires_in_seconds) <= 3600);
      return await (await fetch(String(download_url))).bytes();
    };

    test('are kept with what was typed in, and come back byte for byte', async () => {
      const stored = await ana.send('/invoice/upload_file', picture('Beleg Jänner.png'), BY_HAND);
      assert.equal(stored.status, 201, JSON.stringify(stored.body));
      const { number, date, supplier, currency, net, total, source, filename, key } = stored.body;
      assert.deepEqual({ number, date, supplier, currency, total }, BY_HAND);
      assert.deepEqual([net, source, filename], [null, 'hand', 'Beleg Jänner.png']);
      assert.match(String(key), /^invoices\/[0-9a-f-]{36}_Beleg/);
      assert.deepEqual(Buffer.from(await documentOf(ana, idOf(stored))), Buffer.from(grayPng(30, 40)));
    });

    test('are read: text and embedded XML of a PDF, and an XML invoice, each field with a confidence', async () => {
      for (const [filename, source] of [
        ['german-letter.pdf', 'pdf_text'],
        ['zugferd.pdf', 'pdf_xml'],
        ['ubl-invoice.xml', 'ubl'],
        ['cii.xml', 'cii'],
      ] as const) {
        const stored = await ana.send('/invoice/upload_file_auto', sampleFile(filename));
        assert.equal(stored.status, 201, JSON.stringify(stored.body));
        const { facts } = samples.find((each) => each.filename === filename) ?? {};
        const { number, date, supplier, currency, net, tax, total, confidence } = stored.body;
        assert.deepEqual({ number, date, supplier, currency, net, tax, total }, facts);
        assert.equal(stored.body.source, source);
        assert.equal(stored.body.message, null);
        for (const sure of Object.values(confidence as object)) assert.ok(sure > 0.7 && sure <= 1);
        assert.equal(Object.keys(confidence as object).length, 7);
      }
    });

    test('that hide characters in their fields are stored without them', async () => {
      const facts = { date: '2026-01-01', currency: 'EUR', net: '1.00', tax: '0.00', total: '1.00' };
      const xml = ublInvoice({ ...facts, number: 'HIDDEN', supplier: 'Good\u202e\u200b GmbH' });
      const sly = Buffer.from(xml.replace('HIDDEN', '&#0;&#x200b;'));
      const stored = await ana.send('/invoice/upload_file_auto', fileOf(sly, 'sly.xml', 'application/xml'));
      assert.deepEqual(
        [stored.status, stored.body.supplier],
        [201, 'Good GmbH'],
        JSON.stringify(stored.body),
      );
      assert.doesNotMatch(String(stored.body.number), /\p{Cc}|\p{Cf}/u);
      const again = await ana.ask('POST', `/invoice/${idOf(stored)}/read`);
      assert.deepEqual([again.status, again.body.source], [200, 'ubl']);
    });

    test('of thirty sent at once are all kept; those that could not be read at that moment are read later', async () => {
      const sent = await Promise.all(
        Array.from({ length: 30 }, () => ana.send('/invoice/upload_file_auto', sampleFile('cii.xml'))),
      );
      for (const answer of sent) {
        assert.equal(answer.status, 201, JSON.stringify(answer.body));
        if (answer.body.source === 'unread') assert.match(String(answer.body.message), /is kept/);
        const { body } = await ana.ask('POST', `/invoice/${idOf(answer)}/read`);
        assert.deepEqual([body.source, body.number, body.message], ['cii', '00471103', null]);
      }
    });

    test('that are scans are kept, say so, and are filled in by hand', async () => {
      const scan = fileOf(await drawScan(), 'scan.pdf', 'application/pdf');
      const stored = await ana.send('/invoice/upload_file_auto', scan);
      assert.equal(stored.status, 201);
      assert.deepEqual([stored.body.source, stored.body.number, stored.body.total], ['none', null, null]);
      assert.match(String(stored.body.message), /scan/);
      const corrected = await ana.ask('PATCH', `/invoice/${idOf(stored)}`, BY_HAND);
      assert.equal(corrected.status, 200);
      assert.deepEqual([corrected.body.number, corrected.body.total], ['R-7', '119.00']);
      assert.equal((corrected.body.confidence as { total: number }).total, 1);
      const wrong = await ana.ask('PATCH', `/invoice/${idOf(stored)}`, { date: '31.12.2025' });
      assert.deepEqual([wrong.status, wrong.body.parameter], [400, 'date']);
    });

    test('belong to a transaction: row, link and document together', async () => {
      const transaction_id = await book(ana);
      const stored = await ana.send('/invoice/upload_file_direct', sampleFile('german-letter.pdf'), {
        transaction_id,
        supplier: 'Nordlicht Bürobedarf GmbH',
      });
      assert.equal(stored.status, 201, JSON.stringify(stored.body));
      const { currency, total, supplier } = stored.body;
      assert.deepEqual([stored.body.transaction_id, currency, total], [transaction_id, 'EUR', '1234.63']);
      assert.equal(supplier, 'Nordlicht Bürobedarf GmbH');
      const removed = await ana.ask('DELETE', `/invoice/${idOf(stored)}`);
      assert.deepEqual(
        [removed.status, removed.body.code],
        [409, 'conflict'],
        'a booking keeps its document',
      );
    });

    test('leave nothing when they are refused: no row, no asset, no bytes', async () => {
      const before = { rows: (await listOf(ana)).length, stored: (await stand.stored()).length };
      const program = fileOf(Buffer.from('MZ\x90\x00 a program'), 'invoice.pdf', 'application/pdf');
      const foreign = await book(foreigner);
      const cases: readonly (readonly [string, File, Record<string, string>, number, string])[] = [
        ['/invoice/upload_file_direct', picture(), { transaction_id: UNKNOWN }, 404, 'not_found'],
        ['/invoice/upload_file_direct', picture(), { transaction_id: foreign }, 404, 'not_found'],
        ['/invoice/upload_file_direct', picture(), { transaction_id: 'x' }, 404, 'not_found'],
        ['/invoice/upload_file_direct', picture(), {}, 400, 'missing_field'],
        ['/invoice/upload_file', picture(), { ...BY_HAND, total: '1.234,56' }, 400, 'invalid_parameter'],
        [
          '/invoice/upload_file',
          picture(),
          { ...BY_HAND, net: '1.00', tax: '1.00' },
          400,
          'invalid_parameter',
        ],
        ['/invoice/upload_file', picture(), { number: 'R-1' }, 400, 'missing_field'],
        ['/invoice/upload_file_auto', program, {}, 400, 'suspicious_content'],
        [
          '/invoice/upload_file_auto',
          fileOf(grayPng(2, 2), 'a.gif', 'image/gif'),
          {},
          400,
          'invalid_file_type',
        ],
        ['/invoice/upload_file_auto', fileOf(new Uint8Array(), 'a.png', 'image/png'), {}, 400, 'empty_file'],
      ];
      for (const [path, file, fields, status, code] of cases) {
        const answer = await ana.send(path, file, fields);
        assert.deepEqual([answer.status, answer.body.code], [status, code], JSON.stringify(answer.body));
      }
      const after = { rows: (await listOf(ana)).length, stored: (await stand.stored()).length };
      assert.deepEqual(after, before);
    });

    test('are bounded in size, whatever they are', async () => {
      const sent = async (extraBytes: number) => {
        const bytes = Buffer.from(`<Invoice>${'x'.repeat(25 * 1024 * 1024 + extraBytes)}</Invoice>`);
        return await ana.send('/invoice/upload_file_auto', fileOf(bytes, 'a.xml', 'application/xml'));
      };
      const large = await sent(0);
      assert.deepEqual([large.status, large.body.code], [413, 'file_too_large']);
      assert.equal(large.body.limit_bytes, 25 * 1024 * 1024);
      // Announced as more than any file could be: refused unread.
      const larger = await sent(8 * 1024 * 1024);
      assert.deepEqual([larger.status, larger.body.code], [413, 'request_too_large']);
    });

    test('are nobody’s but the company’s: another one sees, reads, changes and removes none', async () => {
      const stored = await ana.send('/invoice/upload_file', picture(), BY_HAND);
      const id = idOf(stored);
      const attempts: readonly (readonly [string, string, object?])[] = [
        ['GET', `/invoice/download?invoice_id=${id}`],
        ['GET', `/file_access_logs?invoice_id=${id}`],
        ['PATCH', `/invoice/${id}`, { number: 'stolen' }],
        ['DELETE', `/invoice/${id}`],
      ];
      for (const [method, path, body] of attempts) {
        const answer = await foreigner.ask(method, path, body);
        assert.deepEqual([answer.status, answer.body.code], [404, 'not_found'], path);
        assert.equal((await request(stand.origin, method, path, body)).status, 401, path);
      }
      assert.deepEqual(await listOf(foreigner), []);
      assert.deepEqual((await foreigner.ask('GET', `/invoices?after=${id}`)).body.invoices, []);
      const { body } = await foreigner.ask('GET', '/file_access_logs');
      assert.ok(!(body.entries as LogEntry[]).some(({ key }) => key === stored.body.key));
      assert.equal((await ana.ask('DELETE', `/invoice/${id}`)).status, 204);
      assert.equal((await ana.ask('GET', `/invoice/download?invoice_id=${id}`)).status, 404);
    });

    test('are read by colleagues, and the log says who it was', async () => {
      const colleague = { email: 'carl@acme.example', password: 'carls long password' };
      assert.equal((await ana.ask('POST', '/auth/users', colleague)).status, 201);
      const tokens = tokensOf(await request(stand.origin, 'POST', '/auth/login', colleague));
      const carl = personOf(stand.origin, { ...colleague, tokens });
      const stored = await ana.send('/invoice/upload_file_auto', sampleFile('cii.xml'));
      await documentOf(carl, idOf(stored));
      const { body } = await carl.ask('GET', `/file_access_logs?invoice_id=${idOf(stored)}`);
      const entries = body.entries as LogEntry[];
      const [latest] = entries;
      assert.ok(latest);
      assert.notEqual(latest.user_id, stored.body.user_id);
      assert.equal(latest.action, backend === 'local' ? 'download' : 'generate_url');
      assert.deepEqual(
        entries.slice(1).map(({ action, user_id }) => [action, user_id]),
        [
          ['download', stored.body.user_id],
          ['upload', stored.body.user_id],
        ],
      );
      assert.equal(entries[1]?.user_agent, 'invoices: reading the fields');
      const ofCarl = await carl.ask(
        'GET',
        `/file_access_logs?invoice_id=${idOf(stored)}&user_id=${latest.user_id}`,
      );
      assert.equal((ofCarl.body.entries as LogEntry[]).length, 1);
      const later = await carl.ask(
        'GET',
        `/file_access_logs?invoice_id=${idOf(stored)}&from=2100-01-01T00:00:00Z`,
      );
      assert.deepEqual([later.status, later.body.entries], [200, []]);
      assert.equal((await carl.ask('GET', '/file_access_logs')).body.code, 'forbidden');
      assert.equal((await carl.ask('DELETE', `/invoice/${idOf(stored)}`)).body.code, 'forbidden');
    });

    test('are listed newest first, page by page', async () => {
      const all = (await listOf(ana)) as { invoice_id: string }[];
      const first = await ana.ask('GET', '/invoices?limit=2');
      const second = await ana.ask('GET', `/invoices?limit=2&after=${first.body.next}`);
      const pages = [first, second].flatMap(({ body }) => body.invoices as { invoice_id: string }[]);
      assert.deepEqual(
        pages.map((each) => each.invoice_id),
        all.slice(0, 4).map((each) => each.invoice_id),
      );
      assert.equal((await ana.ask('GET', '/invoices?limit=0')).body.code, 'invalid_parameter');
    });

    test('are stored once when a request with an Idempotency-Key is sent again', async () => {
      const before = (await listOf(ana)).length;
      const again = async () => {
        const form = new FormData();
        form.append('file', picture('once.png'));
        const headers = { authorization: `Bearer ${ana.tokens.access_token}`, 'idempotency-key': 'once' };
        return await request(stand.origin, 'POST', '/invoice/upload_file_auto', form, headers);
      };
      const [first, second] = [await again(), await again()];
      assert.deepEqual([first.status, second.status], [201, 201]);
      assert.equal(idOf(first), idOf(second));
      assert.equal((await listOf(ana)).length, before + 1);
    });
  });
}
