import { nearestName } from './look-alikes.ts';

/** Reads the fields of an object in the config file. What is wrong is added to the problems, by path. */
export interface FieldReader {
  has(name: string): boolean;
  /** Whether the field is there and null: switched off on purpose. */
  isNull(name: string): boolean;
  text(name: string, pattern: RegExp, meaning: string): string | null;
  texts(name: string, pattern: RegExp, meaning: string): readonly string[] | null;
  integer(name: string, bounds: { fallback: number; min: number; max: number }): number;
  boolean(name: string, fallback: boolean): boolean;
  choice<Choice extends string>(name: string, choices: readonly Choice[], fallback: Choice): Choice;
  /** An object of short texts, names and values of the pattern. */
  record(name: string, pattern: RegExp): Readonly<Record<string, string>>;
  inside(name: string): FieldReader;
  problem(name: string, text: string): void;
  /** Reports fields that nobody asked for, here and inside. */
  finish(): void;
}

/** Most entries of a list or record: a store takes fewer. */
const ENTRIES_MAX = 100;

/** Opens a reader over one object; absent is empty. */
export function fieldReader(value: unknown, path: string, problems: string[]): FieldReader {
  const fields: Readonly<Record<string, unknown>> = isRecord(value) ? value : {};
  if (value !== undefined && value !== null && !isRecord(value)) problems.push(`${path} must be an object`);
  const known = new Set<string>();
  const inner: FieldReader[] = [];
  const take = (name: string): unknown => {
    known.add(name);
    return fields[name] ?? undefined;
  };
  const problem = (name: string, text: string): void => {
    problems.push(`${path}.${name} ${text}`);
  };
  return {
    problem,
    has: (name) => take(name) !== undefined,
    isNull(name) {
      known.add(name);
      return fields[name] === null;
    },
    text(name, pattern, meaning) {
      const content = take(name);
      if (content === undefined) return null;
      if (typeof content === 'string' && pattern.test(content)) return content;
      problem(name, `must be ${meaning}`);
      return null;
    },
    texts(name, pattern, meaning) {
      const content = take(name);
      if (content === undefined) return null;
      const list = Array.isArray(content) ? content : [content];
      const texts = list.filter((item): item is string => typeof item === 'string' && pattern.test(item));
      if (texts.length !== list.length) problem(name, `must list nothing but ${meaning}`);
      if (list.length > ENTRIES_MAX) problem(name, `may list at most ${ENTRIES_MAX}`);
      return texts;
    },
    integer(name, { fallback, min, max }) {
      const content = take(name);
      if (content === undefined) return fallback;
      if (Number.isSafeInteger(content) && Number(content) >= min && Number(content) <= max)
        return Number(content);
      problem(name, `must be a whole number from ${min} to ${max}`);
      return fallback;
    },
    boolean(name, fallback) {
      const content = take(name);
      if (content === undefined) return fallback;
      if (typeof content === 'boolean') return content;
      problem(name, 'must be true or false');
      return fallback;
    },
    choice(name, choices, fallback) {
      const content = take(name);
      if (content === undefined) return fallback;
      const choice = choices.find((candidate) => candidate === content);
      if (choice === undefined) problem(name, `must be one of ${choices.join(', ')}`);
      return choice ?? fallback;
    },
    record(name, pattern) {
      const content = take(name);
      const entries = Object.entries(isRecord(content) ? content : {});
      const good = entries.filter(
        (entry): entry is [string, string] =>
          typeof entry[1] === 'string' && pattern.test(entry[0]) && pattern.test(entry[1]),
      );
      if ((content !== undefined && !isRecord(content)) || good.length !== entries.length)
        problem(name, 'must be an object of short texts');
      if (entries.length > ENTRIES_MAX) problem(name, `may have at most ${ENTRIES_MAX} entries`);
      return Object.fromEntries(good);
    },
    inside(name) {
      const reader = fieldReader(take(name), `${path}.${name}`, problems);
      inner.push(reader);
      return reader;
    },
    finish() {
      for (const name of Object.keys(fields)) {
        if (known.has(name)) continue;
        const meant = nearestName(name, [...known]);
        problem(name, `is no field${meant === undefined ? '' : `; did you mean ${meant}?`}`);
      }
      for (const reader of inner) reader.finish();
    },
  };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
