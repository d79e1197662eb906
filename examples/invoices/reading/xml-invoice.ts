import { XMLParser } from 'fast-xml-parser';
import { isoDay } from './dates.ts';
import {
  addsUp,
  FIELD_NAMES,
  type FieldName,
  type ReadFields,
  type ReadInvoice,
  visible,
} from './invoice-fields.ts';

/** Values stay text: `0012` is a number of an invoice, and `100.10` an amount. Prefixes of namespaces differ by sender. */
const parser = new XMLParser({
  removeNSPrefix: true,
  ignoreAttributes: false,
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: true,
});

type Path = readonly string[];

/** Where a format keeps the fields; of several places the first that has something. */
interface Format {
  readonly source: 'ubl' | 'cii';
  readonly places: Readonly<Record<FieldName, readonly Path[]>>;
}

const UBL_PARTY = ['AccountingSupplierParty', 'Party'];
const UBL: Format = {
  source: 'ubl',
  places: {
    number: [['ID']],
    date: [['IssueDate']],
    supplier: [
      [...UBL_PARTY, 'PartyLegalEntity', 'RegistrationName'],
      [...UBL_PARTY, 'PartyName', 'Name'],
    ],
    currency: [['DocumentCurrencyCode']],
    net: [['LegalMonetaryTotal', 'TaxExclusiveAmount']],
    tax: [['TaxTotal', 'TaxAmount']],
    total: [['LegalMonetaryTotal', 'TaxInclusiveAmount']],
  },
};

const CII_SETTLEMENT = ['SupplyChainTradeTransaction', 'ApplicableHeaderTradeSettlement'];
const CII_SUM = [...CII_SETTLEMENT, 'SpecifiedTradeSettlementHeaderMonetarySummation'];
const CII: Format = {
  source: 'cii',
  places: {
    number: [['ExchangedDocument', 'ID']],
    date: [['ExchangedDocument', 'IssueDateTime', 'DateTimeString']],
    supplier: [['SupplyChainTradeTransaction', 'ApplicableHeaderTradeAgreement', 'SellerTradeParty', 'Name']],
    currency: [[...CII_SETTLEMENT, 'InvoiceCurrencyCode']],
    net: [[...CII_SUM, 'TaxBasisTotalAmount']],
    tax: [[...CII_SUM, 'TaxTotalAmount']],
    total: [[...CII_SUM, 'GrandTotalAmount']],
  },
};

const FORMATS: Readonly<Record<string, Format>> = {
  Invoice: UBL,
  CreditNote: UBL,
  CrossIndustryInvoice: CII,
};

/**
 * Reads an electronic invoice: UBL 2.1 and UN/CEFACT CII, the two syntaxes of EN 16931.
 *
 * @returns null when the document is XML of another kind, or none.
 */
export function readXmlInvoice(bytes: Uint8Array): ReadInvoice | null {
  const document = parse(decodeXml(bytes));
  const root = Object.keys(document).find((name) => Object.hasOwn(FORMATS, name));
  const format = root === undefined ? undefined : FORMATS[root];
  if (root === undefined || format === undefined) return null;
  const invoice = document[root];
  const [currency] = textsAt(invoice, format.places.currency);
  const fields: ReadFields = {};
  for (const name of FIELD_NAMES) {
    const [value] = textsAt(invoice, format.places[name], currency).flatMap((text) => normalise(name, text));
    if (value !== undefined) fields[name] = { value, confidence: 1 };
  }
  return { source: format.source, fields: doubtSums(fields), message: null };
}

/** What a machine wrote is certain, unless its own sums say otherwise. */
function doubtSums(fields: ReadFields): ReadFields {
  const { net, tax, total } = fields;
  if (!net || !tax || !total || addsUp(net.value, tax.value, total.value)) return fields;
  const doubted = { confidence: 0.5 };
  return {
    ...fields,
    net: { ...net, ...doubted },
    tax: { ...tax, ...doubted },
    total: { ...total, ...doubted },
  };
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    return parser.parse(text);
  } catch {
    return {};
  }
}

/** The gate has seen that the bytes are text of this encoding. */
function decodeXml(bytes: Uint8Array): string {
  const head = Buffer.from(bytes.subarray(0, 256)).toString('latin1');
  if (head.startsWith('\u00ff\u00fe')) return new TextDecoder('utf-16le').decode(bytes);
  if (head.startsWith('\u00fe\u00ff')) return new TextDecoder('utf-16be').decode(bytes);
  const encoding = /^[^<]*<\?xml\s[^>]*?encoding\s*=\s*["']([\w-]+)["']/.exec(head)?.[1] ?? 'utf-8';
  return new TextDecoder(encoding).decode(bytes);
}

/** Texts at the first place that has some. Amounts in another currency than the invoice's (tax in euros, say) are left out. */
function textsAt(invoice: unknown, places: readonly Path[], currency?: string): readonly string[] {
  for (const place of places) {
    const texts = walk(invoice, place).flatMap((leaf) => leafText(leaf, currency));
    if (texts.length > 0) return texts;
  }
  return [];
}

/** All nodes at a path: an element that is repeated is an array. */
function walk(node: unknown, [name, ...rest]: Path): readonly unknown[] {
  if (Array.isArray(node))
    return node.flatMap((each) => walk(each, name === undefined ? [] : [name, ...rest]));
  if (name === undefined) return [node];
  return isElement(node) && Object.hasOwn(node, name) ? walk(node[name], rest) : [];
}

function leafText(leaf: unknown, currency: string | undefined): readonly string[] {
  if (typeof leaf === 'string') return leaf === '' ? [] : [leaf];
  if (!isElement(leaf) || typeof leaf['#text'] !== 'string') return [];
  const own = leaf['@_currencyID'];
  return currency !== undefined && own !== undefined && own !== currency ? [] : [leaf['#text']];
}

function isElement(node: unknown): node is Readonly<Record<string, unknown>> {
  return typeof node === 'object' && node !== null;
}

function normalise(name: FieldName, text: string): readonly string[] {
  switch (name) {
    case 'date': {
      const [, year, month, day] = /^(\d{4})-?(\d{2})-?(\d{2})/.exec(text) ?? [];
      return isoDay(Number(year), Number(month), Number(day));
    }
    case 'currency':
      return /^[A-Z]{3}$/.test(text) ? [text] : [];
    case 'number':
    case 'supplier':
      return [visible(text).slice(0, 200)].filter((each) => each !== '');
    default:
      return /^-?\d{1,12}(?:\.\d+)?$/.test(text) ? [Number(text).toFixed(2)] : [];
  }
}
