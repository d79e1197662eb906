import { StowageError } from 'stowage';
import type { InvoiceValues } from './invoices.ts';
import { isoDay } from './reading/dates.ts';
import { addsUp, FIELD_NAMES, type FieldName } from './reading/invoice-fields.ts';

/** Without these an upload by hand is no invoice; net and tax may be left out. */
export const REQUIRED_FIELDS: readonly FieldName[] = ['number', 'date', 'supplier', 'currency', 'total'];

const AMOUNT = /^-?\d{1,12}(?:\.\d{1,2})?$/;

const RULES: Readonly<Record<FieldName, readonly [isRight: (text: string) => boolean, must: string]>> = {
  number: [isName, 'must have 1 to 200 characters'],
  date: [isDay, 'must be a date like 2025-12-31'],
  supplier: [isName, 'must have 1 to 200 characters'],
  currency: [(text) => /^[A-Z]{3}$/.test(text), 'must be the three letters of ISO 4217, such as EUR'],
  net: [(text) => AMOUNT.test(text), 'must be an amount like 1234.56'],
  tax: [(text) => AMOUNT.test(text), 'must be an amount like 1234.56'],
  total: [(text) => AMOUNT.test(text), 'must be an amount like 1234.56'],
};

/**
 * Reads what a person typed in.
 *
 * @throws StowageError `missing_field`, `invalid_parameter`; also when net and tax do not make the total.
 */
export function givenFields(
  sent: Readonly<Record<string, unknown>>,
  required: readonly FieldName[] = [],
): InvoiceValues {
  const values: Partial<Record<FieldName, string>> = {};
  for (const name of FIELD_NAMES) {
    const text = sent[name];
    const isMissing = text === undefined || text === '';
    if (isMissing && required.includes(name)) {
      throw new StowageError('missing_field', `The field ${name} is missing.`, {
        fields: { parameter: name },
      });
    }
    if (isMissing) continue;
    const [isRight, must] = RULES[name];
    if (typeof text !== 'string' || !isRight(text.trim())) throw wrong(name, must);
    values[name] = text.trim();
  }
  const { net, tax, total } = values;
  if (net !== undefined && tax !== undefined && total !== undefined && !addsUp(net, tax, total)) {
    throw wrong('total', 'must be net and tax together');
  }
  return values;
}

function wrong(parameter: string, must: string): StowageError {
  return new StowageError('invalid_parameter', `The field ${parameter} ${must}.`, { fields: { parameter } });
}

function isName(text: string): boolean {
  return text.length >= 1 && text.length <= 200 && !/\p{Cc}/u.test(text);
}

function isDay(text: string): boolean {
  const [, year, month, day] = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text) ?? [];
  return isoDay(Number(year), Number(month), Number(day)).length === 1;
}
