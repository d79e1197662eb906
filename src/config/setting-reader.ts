import { formatByteSize, parseByteSize } from '../core/bytes.ts';
import type { SettingValues } from './setting-values.ts';

/** Turns the texts of settings into values. What is wrong is added to `problems`; reading goes on with the fallback. */
export interface SettingReader {
  text(name: string): string | null;
  integer(name: string, bounds: { fallback: number; min: number; max: number }): number;
  bytes(name: string, bounds: { fallback: number; min: number; max: number }): number;
  choice<Choice extends string>(name: string, choices: readonly Choice[], fallback: Choice): Choice;
  boolean(name: string, fallback: boolean): boolean;
  /** An http or https URL without credentials, query and fragment; no slash at its end. */
  httpUrl(name: string): string | null;
  /** A URL with one of the schemes, kept as it is; it may hold a password. */
  connectionUrl(name: string, schemes: readonly string[]): string | null;
  /** Parts between commas (and line ends), trimmed, empty ones dropped. */
  list(name: string): readonly string[];
  /** A list of secrets of at least 32 bytes each. */
  secrets(name: string): readonly string[];
  /** What the value was set by: the name that problems should show. */
  source(name: string): string;
  problem(name: string, text: string): void;
  /** A reader of the same settings whose problems are its own. */
  aside(problems: string[]): SettingReader;
}

/** Fewest bytes of a secret: as many as HMAC-SHA-256 puts out (RFC 7518 §3.2). */
export const SECRET_BYTES_MIN = 32;

/** Opens a reader over gathered values. */
export function settingReader(values: SettingValues, problems: string[]): SettingReader {
  const text = (name: string) => values.get(name)?.text ?? null;
  const source = (name: string) => values.get(name)?.source ?? name;
  const problem = (name: string, message: string): void => {
    problems.push(`${source(name)} ${message}`);
  };
  const list = (name: string) => splitList(text(name) ?? '');

  return {
    text,
    source,
    problem,
    list,
    aside: (elsewhere) => settingReader(values, elsewhere),
    integer(name, { fallback, min, max }) {
      const value = text(name);
      if (value === null) return fallback;
      const number = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
      if (number >= min && number <= max) return number;
      problem(name, `must be a whole number from ${min} to ${max}`);
      return fallback;
    },
    bytes(name, { fallback, min, max }) {
      const value = text(name);
      if (value === null) return fallback;
      const bytes = parseByteSize(value);
      if (bytes !== undefined && bytes >= min && bytes <= max) return bytes;
      problem(name, `must be a size from ${formatByteSize(min)} to ${formatByteSize(max)}, such as 100mb`);
      return fallback;
    },
    choice(name, choices, fallback) {
      const value = text(name);
      if (value === null) return fallback;
      const choice = choices.find((candidate) => candidate.toLowerCase() === value.toLowerCase());
      if (choice === undefined) problem(name, `must be one of ${choices.join(', ')}`);
      return choice ?? fallback;
    },
    boolean(name, fallback) {
      const value = text(name)?.toLowerCase() ?? null;
      if (value === null) return fallback;
      if (value === 'true' || value === '1') return true;
      if (value === 'false' || value === '0') return false;
      problem(name, 'must be true or false');
      return fallback;
    },
    httpUrl(name) {
      const value = text(name);
      if (value === null) return null;
      const url = URL.parse(value);
      const isPlain = url !== null && (url.protocol === 'http:' || url.protocol === 'https:');
      if (!isPlain) problem(name, 'must be a URL that begins with http:// or https://');
      else if (url.username !== '' || url.password !== '')
        problem(name, 'must not hold a user name or password');
      else if (url.search !== '' || url.hash !== '') problem(name, 'must have neither query nor fragment');
      else return value.replace(/\/+$/, '');
      return null;
    },
    connectionUrl(name, schemes) {
      const value = text(name);
      if (value === null) return null;
      // Not parsed further: PostgreSQL's own forms, such as one without a host for a unix socket, are no WHATWG URLs.
      if (schemes.some((scheme) => value.length > scheme.length + 3 && value.startsWith(`${scheme}://`)))
        return value;
      problem(name, `must be a URL that begins with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`);
      return null;
    },
    secrets(name) {
      const secrets = list(name);
      const short = secrets.findIndex((secret) => Buffer.byteLength(secret) < SECRET_BYTES_MIN);
      if (short >= 0) {
        const which = secrets.length === 1 ? 'it' : `secret ${short + 1} of ${secrets.length}`;
        problem(name, `needs at least ${SECRET_BYTES_MIN} bytes for each secret; ${which} is shorter`);
      } else if (secrets.length > SECRETS_MAX) problem(name, `may list at most ${SECRETS_MAX} secrets`);
      return secrets;
    },
  };
}

/** Most secrets of one list: each is tried on every token that does not fit an earlier one. */
const SECRETS_MAX = 10;

function splitList(text: string): readonly string[] {
  return text
    .split(/[,\r\n]/)
    .map((part) => part.trim())
    .filter((part) => part !== '');
}
