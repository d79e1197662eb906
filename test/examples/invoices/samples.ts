import { LATER_LAYOUTS } from './later-layouts.ts';
import { block, facts, type Layout, rows } from './layout.ts';
import { drawPdf } from './sample-pdf.ts';
import { ciiInvoice, ublInvoice, type XmlFacts } from './sample-xml.ts';

/** An invoice and what a person reads in it. */
export interface Sample {
  readonly filename: string;
  readonly mediaType: 'application/pdf' | 'application/xml';
  readonly bytes: Uint8Array;
  readonly facts: XmlFacts;
}

const LAYOUTS: readonly Layout[] = [
  {
    filename: 'german-letter.pdf',
    facts: facts('RE-2025-0417', '2025-12-31', 'Nordlicht Bürobedarf GmbH', 'EUR', [
      '1037.50',
      '197.13',
      '1234.63',
    ]),
    pages: [
      [
        [60, 150, 'Nordlicht Bürobedarf GmbH · Hafenstraße 3 · 20457 Hamburg', 7],
        ...block(60, 168, ['Weber & Söhne KG', 'Frau Petra Weber', 'Lindenallee 12', '50667 Köln']),
        ...rows(
          170,
          [360, 460],
          [
            ['Rechnungsnummer:', 'RE-2025-0417'],
            ['Rechnungsdatum:', '31.12.2025'],
            ['Kundennummer:', 'K-10032'],
            ['Lieferdatum:', '18.12.2025'],
          ],
        ),
        [60, 290, 'Rechnung', 18],
        ...rows(
          330,
          [60, 300, 380, -60],
          [
            ['Bezeichnung', 'Menge', 'Einzelpreis', 'Gesamt'],
            ['Schreibtischstuhl Modell 300', '5', '199,50', '997,50 €'],
            ['Druckerpapier', '10', '4,00', '40,00 €'],
          ],
        ),
        ...rows(
          400,
          [360, -60],
          [
            ['Nettobetrag', '1.037,50 €'],
            ['zzgl. 19 % MwSt.', '197,13 €'],
            ['Gesamtbetrag', '1.234,63 €'],
          ],
        ),
        [60, 480, 'Zahlbar bis 14.01.2026 ohne Abzug.'],
        [
          60,
          800,
          'Nordlicht Bürobedarf GmbH · Geschäftsführer: Jan Petersen · USt-IdNr. DE811234567 · IBAN DE02 1203 0000 0000 2020 51',
          7,
        ],
      ],
    ],
  },
  {
    filename: 'us-services.pdf',
    facts: facts('10482', '2025-12-31', 'Redwood Consulting LLC', 'USD', ['1140.00', '94.56', '1234.56']),
    pages: [
      [
        [50, 60, 'Redwood Consulting LLC', 20],
        ...block(50, 82, ['1200 Market Street, Suite 400', 'San Francisco, CA 94103', '(415) 555-0134']),
        [-50, 60, 'INVOICE', 24],
        ...rows(
          95,
          [400, -50],
          [
            ['Invoice #', '10482'],
            ['Date', '12/31/2025'],
            ['Due Date', '01/30/2026'],
          ],
        ),
        ...block(50, 170, ['Bill To:', 'Acme Manufacturing Inc.', '77 Industrial Way', 'Reno, NV 89502']),
        ...rows(
          260,
          [50, 330, 420, -50],
          [
            ['Description', 'Hours', 'Rate', 'Amount'],
            ['Process review, December', '7.60', '$150.00', '$1,140.00'],
          ],
        ),
        ...rows(
          330,
          [400, -50],
          [
            ['Subtotal', '$1,140.00'],
            ['Sales Tax (8.295%)', '$94.56'],
            ['Total Due', '$1,234.56'],
          ],
        ),
        [50, 420, 'Please make checks payable within 30 days. Thank you for your business!'],
      ],
    ],
  },
  {
    filename: 'french-sarl.pdf',
    facts: facts('FA-2025-118', '2025-11-07', 'Boulangerie Martin SARL', 'EUR', [
      '2100.00',
      '115.50',
      '2215.50',
    ]),
    font: 'TimesRoman',
    pages: [
      [
        ...block(
          50,
          60,
          ['Boulangerie Martin SARL', '14 rue des Lilas', '69003 Lyon', 'SIRET 812 345 678 00017'],
          11,
        ),
        ...block(340, 130, ['Client :', 'Hôtel du Parc SAS', '2 place Bellecour', '69002 Lyon']),
        [50, 220, 'Facture n° FA-2025-118', 16],
        [50, 242, 'Date de facture : 7 novembre 2025'],
        [50, 256, 'Échéance : 7 décembre 2025'],
        ...rows(
          300,
          [50, 300, 380, -50],
          [
            ['Désignation', 'Qté', 'P.U. HT', 'Montant HT'],
            ['Livraison de pain, octobre', '30', '70,00 €', '2 100,00 €'],
          ],
        ),
        ...rows(
          360,
          [350, -50],
          [
            ['Total HT', '2 100,00 €'],
            ['TVA 5,5 %', '115,50 €'],
            ['Total TTC', '2 215,50 €'],
          ],
        ),
      ],
    ],
  },
  {
    filename: 'uk-limited.pdf',
    facts: facts('INV/25/0093', '2025-04-03', 'Thistle & Rowe Ltd', 'GBP', ['860.00', '172.00', '1032.00']),
    pages: [
      [
        [50, 60, 'TAX INVOICE', 16],
        ...rows(
          100,
          [50, 150],
          [
            ['Supplier:', 'Thistle & Rowe Ltd'],
            ['', '9 Canal Walk, Leeds LS1 4AB'],
            ['', 'VAT No. GB 123 4567 89'],
          ],
        ),
        ...rows(
          100,
          [350, 450],
          [
            ['Invoice No:', 'INV/25/0093'],
            ['Invoice Date:', '03/04/2025'],
            ['Payment Due:', '17/04/2025'],
            ['Customer No:', '5518'],
          ],
        ),
        ...block(50, 190, ['Invoice to', 'Peak District Tours Limited', 'Buxton SK17 6BE']),
        ...rows(
          270,
          [50, -200, -120, -50],
          [
            ['Item', 'Net', 'VAT', 'Gross'],
            ['Leaflet design', '£500.00', '£100.00', '£600.00'],
            ['Printing 5,000 leaflets', '£360.00', '£72.00', '£432.00'],
          ],
        ),
        ...rows(
          340,
          [350, -50],
          [
            ['Net total', '£860.00'],
            ['VAT @ 20%', '£172.00'],
            ['Amount payable', '£1,032.00'],
          ],
        ),
      ],
    ],
  },
  {
    filename: 'spanish-sl.pdf',
    facts: facts('2025/0567', '2025-09-15', 'Talleres Ibérica S.L.', 'EUR', ['3250.75', '682.66', '3933.41']),
    pages: [
      [
        [50, 60, 'Talleres Ibérica S.L.', 18],
        ...block(50, 80, ['NIF B12345678', 'Calle Mayor 45, 28013 Madrid']),
        ...rows(
          130,
          [50, 250],
          [
            ['Factura nº: 2025/0567', 'Fecha de emisión: 15 de septiembre de 2025'],
            ['Vencimiento: 15/10/2025', ''],
          ],
        ),
        ...block(50, 180, ['Cliente:', 'Transportes Ruiz S.A.', 'NIF A87654321']),
        ...rows(
          260,
          [50, 360, -50],
          [
            ['Concepto', 'Cantidad', 'Importe'],
            ['Reparación de motor', '1', '2.900,75'],
            ['Mano de obra', '7', '350,00'],
          ],
        ),
        ...rows(
          330,
          [330, -50],
          [
            ['Base imponible', '3.250,75 €'],
            ['IVA 21%', '682,66 €'],
            ['TOTAL A PAGAR', '3.933,41 €'],
          ],
        ),
      ],
    ],
  },
  {
    filename: 'italian-srl.pdf',
    facts: facts('128/A', '2025-10-02', 'Officine Rinaldi S.r.l.', 'EUR', ['480.00', '105.60', '585.60']),
    pages: [
      [
        ...block(
          50,
          60,
          ['Officine Rinaldi S.r.l.', 'Via Garibaldi 8', '40121 Bologna', 'P.IVA IT01234567890'],
          11,
        ),
        ...rows(
          140,
          [50, 200, 350],
          [
            ['Numero fattura', 'Data fattura', 'Scadenza'],
            ['128/A', '02/10/2025', '01/11/2025'],
          ],
        ),
        ...block(350, 200, ['Spett.le', 'Comune di Modena', 'Piazza Grande 1']),
        ...rows(290, [50, -50], [['Manutenzione caldaia', '480,00']]),
        ...rows(
          340,
          [300, -50],
          [
            ['Imponibile', '€ 480,00'],
            ['IVA 22%', '€ 105,60'],
            ['Totale fattura', '€ 585,60'],
          ],
        ),
      ],
    ],
  },
  {
    filename: 'dutch-bv.pdf',
    facts: facts('20250321', '2025-03-21', 'Van Dijk Techniek B.V.', 'EUR', [
      '12500.00',
      '2625.00',
      '15125.00',
    ]),
    pages: [
      [
        [-50, 60, 'Van Dijk Techniek B.V.', 14],
        [-50, 76, 'Keizersgracht 100, 1015 CW Amsterdam'],
        [-50, 90, 'BTW NL001234567B01'],
        [50, 140, 'FACTUUR', 20],
        ...rows(
          170,
          [50, 160],
          [
            ['Factuurnummer', '20250321'],
            ['Factuurdatum', '21-03-2025'],
            ['Vervaldatum', '20-04-2025'],
            ['Klantnummer', '4471'],
          ],
        ),
        ...block(50, 250, ['Factuur aan:', 'Gemeente Utrecht', 'Stadsplateau 1']),
        ...rows(330, [50, -50], [['Installatie zonnepanelen', '€ 12.500,00']]),
        ...rows(
          380,
          [330, -50],
          [
            ['Subtotaal', '€ 12.500,00'],
            ['BTW 21%', '€ 2.625,00'],
            ['Te betalen', '€ 15.125,00'],
          ],
        ),
      ],
    ],
  },
  {
    filename: 'swiss-ag.pdf',
    facts: facts('R-88713', '2025-06-30', 'Alpenblick Hotel AG', 'CHF', ['11432.10', '434.42', '11866.52']),
    pages: [
      [
        ...block(50, 60, [
          'Alpenblick Hotel AG',
          'Seestrasse 20, 6004 Luzern',
          'MWST-Nr. CHE-123.456.789 MWST',
        ]),
        ...block(50, 130, ['Reisebüro Meier', 'Postfach 12', '8001 Zürich']),
        [50, 210, 'Rechnung R-88713', 16],
        [50, 230, 'Luzern, den 30. Juni 2025'],
        ...rows(280, [50, -50], [['Zimmer, Gruppe 24 Personen', "CHF 11'432.10"]]),
        ...rows(
          330,
          [300, -50],
          [
            ['Zwischensumme', "CHF 11'432.10"],
            ['MWST 3.8%', 'CHF 434.42'],
            ['Rechnungsbetrag', "CHF 11'866.52"],
          ],
        ),
        [50, 420, 'Zahlbar innert 30 Tagen.'],
      ],
    ],
  },
  {
    filename: 'plain-columns.pdf',
    facts: facts('A-7741', '2026-01-09', 'Brightwater Media', 'USD', ['5000.00', '0.00', '5000.00']),
    font: 'Courier',
    pages: [
      [
        [50, 60, 'INVOICE', 14],
        ...rows(
          90,
          [50, 200, 350],
          [
            ['Invoice number', 'Date of issue', 'Date due'],
            ['A-7741', 'January 9, 2026', 'February 8, 2026'],
          ],
        ),
        ...block(50, 150, ['From', 'Brightwater Media', '55 Lake Shore Dr', 'Chicago, IL 60611']),
        ...block(300, 150, ['Bill to', 'Oakland Foods Co', '900 Broadway']),
        [50, 240, '$5,000.00 due February 8, 2026', 16],
        ...rows(
          280,
          [50, 350, -50],
          [
            ['Description', 'Qty', 'Amount'],
            ['Retainer', '1', '$5,000.00'],
          ],
        ),
        ...rows(
          340,
          [300, -50],
          [
            ['Subtotal', '$5,000.00'],
            ['Tax', '$0.00'],
            ['Total', '$5,000.00'],
            ['Amount due', '$5,000.00 USD'],
          ],
        ),
      ],
    ],
  },
  {
    filename: 'two-rates.pdf',
    facts: facts('2025-3391', '2025-08-19', 'Marktfrisch Lebensmittel e.K.', 'EUR', [
      '300.00',
      '31.80',
      '331.80',
    ]),
    pages: [
      [
        [50, 60, 'Marktfrisch Lebensmittel e.K.', 15],
        [50, 80, 'Marktplatz 2, 79098 Freiburg'],
        [50, 140, 'Rechnung Nr. 2025-3391 vom 19.08.2025', 13],
        ...block(50, 170, ['An', 'Café Sonnenschein', 'Talstraße 9']),
        ...rows(
          250,
          [50, 300, -50],
          [
            ['Obst und Gemüse', '7 %', '210,00'],
            ['Reinigungsmittel', '19 %', '90,00'],
          ],
        ),
        ...rows(
          320,
          [280, -50],
          [
            ['Summe netto', '300,00 EUR'],
            ['7 % USt auf 210,00 EUR', '14,70 EUR'],
            ['19 % USt auf 90,00 EUR', '17,10 EUR'],
            ['Summe brutto', '331,80 EUR'],
          ],
        ),
      ],
    ],
  },
  {
    filename: 'second-page.pdf',
    facts: facts('SI-004512', '2025-07-14', 'Kestrel Hardware PLC', 'GBP', [
      '14250.40',
      '2850.08',
      '17100.48',
    ]),
    pages: [
      [
        [50, 60, 'Kestrel Hardware PLC', 18],
        [50, 80, 'Unit 4, Mill Lane, Sheffield S1 2BJ'],
        ...rows(
          120,
          [350, 450],
          [
            ['Invoice Number', 'SI-004512'],
            ['Tax Point', '10/07/2025'],
            ['Invoice Date', '14/07/2025'],
            ['Order Number', 'PO-99812'],
            ['Page', '1 of 2'],
          ],
        ),
        ...block(50, 120, ['Sold to:', 'Norton Builders Ltd', '18 High Street', 'Derby DE1 1AA']),
        ...rows(
          240,
          [50, 300, -50],
          Array.from({ length: 28 }, (_, index) => [
            `Steel fitting type ${index + 100}`,
            String(index + 1),
            `${(index + 1) * 35}.10`,
          ]),
        ),
        [-50, 760, 'Carried forward 14,212.80'],
      ],
      [
        [50, 60, 'Kestrel Hardware PLC  Invoice SI-004512', 9],
        ...rows(
          100,
          [300, -50],
          [
            ['Brought forward', '14,212.80'],
            ['Carriage', '37.60'],
            ['Total excl. VAT', '14,250.40'],
            ['VAT 20.00%', '2,850.08'],
            ['Total incl. VAT', 'GBP 17,100.48'],
          ],
        ),
      ],
    ],
  },
  {
    filename: 'summary-row.pdf',
    facts: facts('77-2025', '2025-02-28', 'Estudio Lumen SL', 'EUR', ['1200.00', '252.00', '1452.00']),
    pages: [
      [
        [50, 60, 'FACTURA', 22],
        ...rows(
          100,
          [50, 150],
          [
            ['Número:', '77-2025'],
            ['Fecha:', '28/02/2025'],
          ],
        ),
        ...block(50, 150, ['Emisor: Estudio Lumen SL', 'CIF B55667788']),
        ...block(320, 150, ['Cliente: Galería Norte', 'CIF B99887766']),
        ...rows(240, [50, -50], [['Fotografía de producto', '1.200,00 €']]),
        ...rows(
          320,
          [50, 200, 350],
          [
            ['Base imponible', 'IVA (21%)', 'Total'],
            ['1.200,00 €', '252,00 €', '1.452,00 €'],
          ],
        ),
      ],
    ],
  },
  {
    filename: 'iso-dates.pdf',
    facts: facts('2025-000871', '2025-05-05', 'Fjordtech AS', 'NOK', ['48000.00', '12000.00', '60000.00']),
    pages: [
      [
        [50, 60, 'Fjordtech AS', 22],
        [50, 80, 'Strandgaten 5, 5013 Bergen, Norway'],
        ...rows(
          120,
          [50, 180],
          [
            ['Invoice no.', '2025-000871'],
            ['Invoice date', '2025-05-05'],
            ['Due date', '2025-06-04'],
            ['Currency', 'NOK'],
          ],
        ),
        ...block(350, 120, ['Customer', 'Malmö Marine AB', 'Sweden']),
        ...rows(260, [50, -50], [['Sensor maintenance contract', '48 000,00']]),
        ...rows(
          310,
          [300, -50],
          [
            ['Net amount', '48 000,00'],
            ['VAT 25 %', '12 000,00'],
            ['Total NOK', '60 000,00'],
          ],
        ),
      ],
    ],
  },
  {
    filename: 'freelancer.pdf',
    facts: facts('17', '2025-12-01', 'Clara Hoffmann Grafikdesign', 'EUR', ['850.00', '0.00', '850.00']),
    pages: [
      [
        [50, 70, 'Clara Hoffmann Grafikdesign', 20],
        [50, 90, 'Gartenweg 4, 04109 Leipzig'],
        [50, 150, 'Rechnung', 14],
        [50, 170, 'Rechnungs-Nr.: 17'],
        [50, 184, 'Datum: 1. Dezember 2025'],
        ...block(50, 220, ['Rechnung an:', 'Stadtbibliothek Leipzig', 'Wilhelm-Leuschner-Platz 10']),
        ...rows(
          300,
          [50, -50],
          [
            ['Plakat Lesewoche', '850,00 €'],
            ['Gesamtsumme', '850,00 €'],
          ],
        ),
        [50, 380, 'Gemäß § 19 UStG wird keine Umsatzsteuer berechnet.'],
      ],
    ],
  },
  {
    filename: 'zugferd.pdf',
    facts: facts('471102', '2025-11-15', 'Lieferant Süd GmbH & Co. KG', 'EUR', ['198.00', '37.62', '235.62']),
    pages: [
      [
        [50, 60, 'Lieferant Süd', 16],
        [50, 90, 'Rechnung 471102 vom 15.11.2025'],
        [50, 120, 'Gesamtbetrag 235,62 €'],
      ],
    ],
    xml: 'factur-x.xml',
  },
  {
    filename: 'factur-x-terse.pdf',
    facts: facts('F20250023', '2025-01-31', 'Ateliers & Fils', 'EUR', ['624.90', '46.25', '671.15']),
    pages: [[[50, 60, 'Voir le document électronique joint.', 12]]],
    xml: 'factur-x.xml',
  },
];

const XML_SAMPLES: readonly (readonly [filename: string, make: (facts: XmlFacts) => string, XmlFacts])[] = [
  [
    'ubl-invoice.xml',
    (each) => ublInvoice(each),
    facts('TOSL108', '2025-06-30', 'Salescompany & Partners ltd.', 'EUR', ['1436.50', '292.20', '1728.70']),
  ],
  [
    'ubl-credit-note.xml',
    (each) => ublInvoice(each, 'CreditNote'),
    facts('CN-0012', '2025-07-01', 'Retour BV', 'EUR', ['100.00', '21.00', '121.00']),
  ],
  [
    'cii.xml',
    ciiInvoice,
    facts('00471103', '2025-10-01', 'Musterlieferant GmbH', 'EUR', ['473.00', '56.87', '529.87']),
  ],
  [
    'cii-usd.xml',
    ciiInvoice,
    facts('X/9', '2026-02-28', 'Export Trading Co', 'USD', ['10000.00', '0.00', '10000.00']),
  ],
];

/** Twenty invoices, each laid out its own way: sixteen as PDF, two of them with embedded XML, and four as XML. */
export async function makeSamples(): Promise<readonly Sample[]> {
  const xmls = XML_SAMPLES.map(
    ([filename, make, expected]): Sample => ({
      ...{ filename, mediaType: 'application/xml', facts: expected },
      bytes: new TextEncoder().encode(make(expected)),
    }),
  );
  return [...(await drawAll(LAYOUTS)), ...xmls];
}

/** Fourteen more, made when the reader was written already: what it had not seen. */
export function makeLaterSamples(): Promise<readonly Sample[]> {
  return drawAll(LATER_LAYOUTS);
}

function drawAll(layouts: readonly Layout[]): Promise<readonly Sample[]> {
  const drawn = layouts.map(async ({ filename, facts: expected, pages, font, xml }): Promise<Sample> => {
    const embedded = xml === undefined ? {} : { xml: { name: xml, text: ciiInvoice(expected) } };
    const bytes = await drawPdf(pages, { ...(font !== undefined && { font }), ...embedded });
    return { filename, mediaType: 'application/pdf', facts: expected, bytes };
  });
  return Promise.all(drawn);
}
