/** An amount of money in a text. */
export interface FoundAmount {
  /** A decimal with a point and two places. */
  readonly value: string;
  readonly at: number;
}

const SIGN = /[€$£¥]|\b(?:EUR|USD|GBP|CHF|JPY|SEK|NOK|DKK|PLN|CZK|CAD|AUD)\b/;
/** Thousands may be parted by a point, a comma, an apostrophe or a space; two places follow, or none beside a currency. */
const AMOUNT =
  /(?<![\d.,'’])(?<sign>[-−–]\s?)?(?<whole>\d{1,3}(?:[.,'’\s]\d{3})+|\d+)(?:[.,](?<places>\d{2}))?(?![.,'’]?\d|\s?%|[-/]\d)/g;

/** Finds the amounts in a text, in its order. Percentages, dates and plain whole numbers are none. */
export function findAmounts(text: string): readonly FoundAmount[] {
  return [...text.matchAll(AMOUNT)].flatMap((match) => {
    const { sign, whole = '', places } = match.groups ?? {};
    const around = text.slice(Math.max(0, match.index - 4), match.index + match[0].length + 5);
    if (places === undefined && !SIGN.test(around)) return [];
    const digits = whole.replace(/\D/g, '');
    if (digits.length > 12) return [];
    return [{ value: `${sign ? '-' : ''}${Number(digits)}.${places ?? '00'}`, at: match.index }];
  });
}

const SYMBOLS: readonly (readonly [symbol: RegExp, currency: string, confidence: number])[] = [
  [/€|\beuros?\b/i, 'EUR', 0.95],
  [/£/, 'GBP', 0.95],
  [/\bzł/i, 'PLN', 0.9],
  // A dollar may be Canadian, a yen sign Chinese, a crown Danish: codes tell, and are looked for first.
  [/\bUS\$/, 'USD', 0.95],
  [/\$/, 'USD', 0.8],
  [/¥/, 'JPY', 0.7],
];
const CODE = /\b(EUR|USD|GBP|CHF|JPY|SEK|NOK|DKK|PLN|CZK|CAD|AUD|NZD|HUF|RON)\b/g;

/** The currency that a text mostly speaks of. */
export function findCurrency(text: string): { readonly value: string; readonly confidence: number } | null {
  const counts = new Map<string, number>();
  for (const [code] of text.matchAll(CODE)) counts.set(code, (counts.get(code) ?? 0) + 1);
  const [most, second] = [...counts].sort(([, a], [, b]) => b - a);
  if (most !== undefined) return { value: most[0], confidence: second === undefined ? 0.95 : 0.75 };
  const symbol = SYMBOLS.find(([pattern]) => pattern.test(text));
  return symbol === undefined ? null : { value: symbol[1], confidence: symbol[2] };
}
