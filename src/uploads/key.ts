import { hash, randomUUID } from 'node:crypto';
import type { AssetType } from '../core/asset-type.ts';
import { BoundedMap } from '../core/bounded-map.ts';
import { StowageError } from '../core/errors.ts';
import { type ObjectKey, parseObjectKey } from '../core/key.ts';

/** What a key is made from. */
export interface KeyFacts {
  /** The owner, as the token names them. */
  readonly tenantId: string;
  readonly userId: string;
  /** Values that the client gave, by name; only those that the template asks for are looked at. */
  readonly fields: ReadonlyMap<string, string>;
  readonly nowMs: number;
  /** The file's name as the user gave it. */
  readonly filename: string;
}

/** Longest file name inside a key, in bytes. */
export const KEY_FILENAME_BYTES_MAX = 100;

/** The client's fields that a key template needs, in their order, each once. */
export function requiredFields(keyTemplate: string): readonly string[] {
  const known = requiredFieldsOf.get(keyTemplate);
  if (known !== undefined) return known;
  const names = Array.from(keyTemplate.matchAll(PLACEHOLDER), (match) => match[1] ?? '');
  const required = [...new Set(names)].filter((name) => !OWN_PLACEHOLDERS.has(name));
  requiredFieldsOf.set(keyTemplate, required);
  return required;
}

/** Asked twice per upload, of the few templates of a configuration. */
const requiredFieldsOf = new BoundedMap<string, readonly string[]>(1000);

/**
 * Makes the key of a new object. Called twice with the same facts it makes two keys when the template has `{uuid8}`
 * or `{uuid}`.
 *
 * @throws StowageError `missing_field`, `invalid_parameter` with the field's name as `parameter`.
 */
export function renderKey(assetType: AssetType, facts: KeyFacts): ObjectKey {
  const uuid = randomUUID();
  const filename = safeFilename(facts.filename);
  const dot = filename.lastIndexOf('.');
  const text = assetType.keyTemplate.replace(PLACEHOLDER, (_, placeholder: string) => {
    switch (placeholder) {
      case 'user_id':
        return safeIdentity(facts.userId);
      case 'tenant_id':
        return safeIdentity(facts.tenantId);
      case 'asset_type':
        return assetType.name;
      case 'timestamp':
        return String(Math.floor(facts.nowMs / 1000));
      case 'uuid8':
        return uuid.slice(0, 8);
      case 'uuid':
        return uuid;
      case 'filename':
        return filename;
      case 'name':
        return dot > 0 ? filename.slice(0, dot) : filename;
      case 'ext':
      case 'extension':
        return dot > 0 ? filename.slice(dot + 1) : '';
      default:
        return fieldValue(placeholder, facts.fields);
    }
  });
  return parseObjectKey(text);
}

/**
 * The value of a field that is to stand in a key.
 *
 * @throws StowageError `missing_field`, `invalid_parameter`.
 */
export function fieldValue(name: string, fields: ReadonlyMap<string, string>): string {
  const value = fields.get(name);
  if (value === undefined || value === '') {
    throw new StowageError('missing_field', `The field ${name} is missing.`, { fields: { parameter: name } });
  }
  if (!FIELD_VALUE.test(value) || ENDS_BADLY.test(value)) {
    throw new StowageError(
      'invalid_parameter',
      `The field ${name} must be 1 to 128 letters, digits, dots, dashes and underscores, and not end in a dot.`,
      { fields: { parameter: name } },
    );
  }
  return value;
}

/** Whether a template makes another key each time. The configuration refuses those that don't. */
export function isDrawn(keyTemplate: string): boolean {
  return /\{uuid8?\}/.test(keyTemplate);
}

const PLACEHOLDER = /\{([a-z_0-9]+)\}/g;
/** What we fill in ourselves; any other placeholder is a field of the request. */
const OWN_PLACEHOLDERS: ReadonlySet<string> = new Set([
  'user_id',
  'tenant_id',
  'asset_type',
  'timestamp',
  'uuid8',
  'uuid',
  'filename',
  'name',
  'ext',
  'extension',
]);
const FIELD_VALUE = /^[A-Za-z0-9._-]{1,128}$/;
/** Dots alone climb, and no key segment may end in one. */
const ENDS_BADLY = /\.$/;

/**
 * The id of a user or a tenant as it can stand in a key: unchanged when it is harmless, else with a piece of its hash behind what is
 * left of it, so that two never share. `~` is not among the harmless characters: nobody can choose to be named
 * like another's altered id.
 */
export function safeIdentity(userId: string): string {
  if (FIELD_VALUE.test(userId) && !ENDS_BADLY.test(userId)) return userId;
  const kept = userId.replace(/[^A-Za-z0-9_-]+/g, '-').slice(0, 64);
  return `${kept}~${hash('sha256', userId).slice(0, 8)}`;
}

/**
 * A file's name as it can stand in a key: ASCII letters, digits, `.`, `_` and `-`, never empty, at most
 * {@link KEY_FILENAME_BYTES_MAX} bytes, with its extension. Accents are taken off, other scripts become `_`; the
 * record keeps the name as it was.
 */
export function safeFilename(filename: string): string {
  if (SAFE_FILENAME.test(filename)) return filename;
  const plain = filename
    .slice(0, 1024)
    .normalize('NFKD')
    .replace(/\p{Mark}+/gu, '')
    .replace(/[^A-Za-z0-9._-]+/g, '_')
    .replace(/\.{2,}/g, '.');
  const extension = /\.([A-Za-z0-9]{1,16})$/.exec(plain)?.[1]?.toLowerCase() ?? '';
  const stem = trimmed(extension === '' ? plain : plain.slice(0, -extension.length - 1));
  const stemBytesMax = KEY_FILENAME_BYTES_MAX - (extension === '' ? 0 : extension.length + 1);
  const name = trimmed(stem.slice(0, stemBytesMax)) || 'file';
  return extension === '' ? name : `${name}.${extension}`;
}

/** Names that need no repair: one look instead of eight. */
const SAFE_FILENAME = /^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,81}[A-Za-z0-9])?\.[a-z0-9]{1,16}$/;

/** Without what would look odd, hide the file or end a segment wrongly. */
function trimmed(text: string): string {
  return text.replace(/^[._-]+/, '').replace(/[._-]+$/, '');
}
