/** A day somewhere in a text. */
export interface FoundDay {
  readonly day: string;
  /** Where it begins in the text. */
  readonly at: number;
  /** Whether it could be another day where months are written first. */
  readonly isAmbiguous: boolean;
}

/** First letters of the months' names, as the languages of Western Europe write them; marks taken off. */
const MONTHS: readonly RegExp[] = [
  /^(?:jan|ene|gen)/,
  /^(?:feb|fev)/,
  /^(?:mar|mrt|maa|mrz)/,
  /^(?:apr|avr|abr)/,
  /^(?:may|mai|mag|mei)/,
  /^(?:jun|juin|giu)/,
  /^(?:jul|juil|lug)/,
  /^(?:aug|aou|ago)/,
  /^(?:sep|set)/,
  /^(?:oct|okt|ott|out)/,
  /^(?:nov)/,
  /^(?:dec|dez|dic)/,
];

const ISO = String.raw`(?<y1>\d{4})[-/.](?<m1>\d{1,2})[-/.](?<d1>\d{1,2})`;
const DIGITS = String.raw`(?<a>\d{1,2})(?<sep>[./-])\s?(?<b>\d{1,2})\k<sep>\s?(?<y2>\d{4}|\d{2})`;
const DAY_FIRST = String.raw`(?<d3>\d{1,2})(?:st|nd|rd|th|er|º)?\.?[ -](?:de |di )?(?<n3>[a-z]{3,10})\.?,?[ -](?:de |del )?(?<y3>\d{4})`;
const MONTH_FIRST = String.raw`(?<n4>[a-z]{3,10})\.? (?<d4>\d{1,2})(?:st|nd|rd|th)?,? (?<y4>\d{4})`;
const ANY = new RegExp(
  String.raw`(?<![\w.,/-])(?:${ISO}|${DIGITS}|${DAY_FIRST}|${MONTH_FIRST})(?![\w/-]|[.,]\d)`,
  'g',
);

/**
 * Finds the days in a text, in its order.
 *
 * @param isMonthFirst how `03/04/2025` is meant: as in the United States, or as everywhere else.
 */
export function findDays(text: string, isMonthFirst: boolean): readonly FoundDay[] {
  return [...plain(text).matchAll(ANY)].flatMap((match) => {
    const { y1, m1, d1, a, b, y2, sep, d3, n3, y3, d4, n4, y4 } = match.groups ?? {};
    const found = (day: readonly string[], isAmbiguous = false) =>
      day.map((each) => ({ day: each, at: match.index, isAmbiguous }));
    if (y1 !== undefined) return found(isoDay(Number(y1), Number(m1), Number(d1)));
    if (y3 !== undefined) return found(isoDay(Number(y3), monthOf(n3), Number(d3)));
    if (y4 !== undefined) return found(isoDay(Number(y4), monthOf(n4), Number(d4)));
    const [first, second] = [Number(a), Number(b)];
    const year = Number(y2) < 100 ? 2000 + Number(y2) : Number(y2);
    // Points are never written between a month and a day, in that order.
    const isMonth = second > 12 || (isMonthFirst && sep !== '.' && first <= 12);
    const day = isMonth ? isoDay(year, first, second) : isoDay(year, second, first);
    return found(day, sep !== '.' && first <= 12 && second <= 12 && first !== second);
  });
}

/** @returns whether a date of the text tells that months come first or last in it; null when none does. */
export function monthsComeFirst(text: string): boolean | null {
  for (const { groups } of plain(text).matchAll(ANY)) {
    if (groups?.a === undefined || groups.sep === '.') continue;
    if (Number(groups.b) > 12) return true;
    if (Number(groups.a) > 12) return false;
  }
  return null;
}

/** A day that exists, as `2025-12-31`; else nothing. */
export function isoDay(year: number, month: number, day: number): readonly string[] {
  const date = new Date(Date.UTC(year, month - 1, day));
  const exists = year >= 1990 && year < 2100 && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  return exists ? [date.toISOString().slice(0, 10)] : [];
}

function monthOf(name = ''): number {
  return MONTHS.findIndex((month) => month.test(name)) + 1;
}

/** Lower case without marks, character for character as long as the text. */
export function plain(text: string): string {
  return [...text]
    .map((character) => {
      const bare = character.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
      return bare.length === character.length ? bare : character.toLowerCase();
    })
    .join('');
}
