/** What settings are read as and compared by. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

/** One place where what is there differs from what is wanted. Undefined: absent there. */
export interface Difference {
  /** Names from the outside in; empty for the value as a whole. */
  readonly path: string;
  readonly current: Json | undefined;
  readonly desired: Json | undefined;
}

/**
 * Every place where two values differ. Objects are compared field by field, and so are those in two lists of one length,
 * which are counted from 1; other lists and plain values as a whole.
 */
export function differencesOf(
  current: Json | undefined,
  desired: Json | undefined,
  path = '',
): readonly Difference[] {
  if (isObject(current) && isObject(desired)) {
    const names = [...new Set([...Object.keys(desired), ...Object.keys(current)])];
    return names.flatMap((name) =>
      differencesOf(current[name], desired[name], path === '' ? name : `${path}.${name}`),
    );
  }
  if (isListOfObjects(current) && isListOfObjects(desired) && current.length === desired.length)
    return desired.flatMap((item, index) =>
      differencesOf(current[index], item, path === '' ? String(index + 1) : `${path}.${index + 1}`),
    );
  return canonical(current) === canonical(desired) ? [] : [{ path, current, desired }];
}

/** A text that is the same for equal values, whatever the order of their fields. */
export function canonical(value: Json | undefined): string {
  if (value === undefined) return 'undefined';
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (isObject(value)) {
    const fields = Object.keys(value)
      .sort()
      .map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`);
    return `{${fields.join(',')}}`;
  }
  return JSON.stringify(value);
}

/** What an answer of a store holds, as plain JSON without the fields that are undefined. */
export function toJson(value: unknown): Json {
  const text = JSON.stringify(value);
  return text === undefined ? null : (JSON.parse(text) as Json);
}

function isListOfObjects(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value) && value.every((item: Json) => isObject(item));
}

function isObject(value: Json | undefined): value is { readonly [name: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
