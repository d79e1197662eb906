/** What an invoice says about itself. Dates are `2025-12-31`, amounts decimals with a point, currencies ISO 4217. */
export const FIELD_NAMES = ['number', 'date', 'supplier', 'currency', 'net', 'tax', 'total'] as const;

export type FieldName = (typeof FIELD_NAMES)[number];

/** A value as it was read. */
export interface ReadField {
  readonly value: string;
  /** 0 to 1: how much speaks for it. Below {@link SURE} a person should look. */
  readonly confidence: number;
}

export type ReadFields = Partial<Record<FieldName, ReadField>>;

/** Where the values come from. `none`: nothing could be read, and `message` says why. */
export type ReadSource = 'ubl' | 'cii' | 'pdf_xml' | 'pdf_text' | 'none';

export interface ReadInvoice {
  readonly source: ReadSource;
  readonly fields: ReadFields;
  readonly message: string | null;
}

export const SURE = 0.8;

export function nothingRead(message: string): ReadInvoice {
  return { source: 'none', fields: {}, message };
}

/** Whether net and tax make the total, to a cent: rounding of several rates may differ by one. */
export function addsUp(net: string, tax: string, total: string): boolean {
  return Math.abs(Math.round((Number(net) + Number(tax) - Number(total)) * 100)) <= 1;
}

/** A text without what nobody sees: control characters (no database takes a NUL) and those that turn the direction. */
export function visible(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .replace(/[\p{Cc}\p{Cf}]/gu, '')
    .trim();
}
