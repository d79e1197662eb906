import type { AssetType, AssetTypes } from '../core/asset-type.ts';
import { GIB, parseByteSize } from '../core/bytes.ts';
import { isObjectKey } from '../core/key.ts';
import { shippedAssetTypes } from './asset-types.ts';
import { nearestName } from './look-alikes.ts';

/** Largest file that any asset type may accept: what an object of 10,000 parts of 512 MiB holds. */
const FILE_BYTES_MAX = 5_000 * GIB;
const NAME = /^[a-z][a-z0-9_]{0,62}$/;
/** RFC 6838 §4.2, lower case. */
const MEDIA_TYPE = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,126}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}$/;
const EXTENSION = /^[a-z0-9]{1,16}$/;
const FIELDS = [
  'accepts',
  'maxSize',
  'keyTemplate',
  'cacheControl',
  'retentionDays',
  'filesPerRequest',
  'visibility',
];
/** Placeholders that Stowage fills itself; any other must be a field of the request and end in `_id`. */
export const OWN_PLACEHOLDERS: ReadonlySet<string> = new Set([
  'user_id',
  'tenant_id',
  'asset_type',
  'timestamp',
  'uuid',
  'uuid8',
  'filename',
  'name',
  'ext',
  'extension',
]);
const FIELD_PLACEHOLDER = /^[a-z][a-z0-9_]{0,59}_id$/;

/**
 * The asset types of a configuration: the shipped ones, changed and extended by what the config file declares.
 *
 * @param declared the file's `assetTypes`, unchecked.
 * @param canJudge whether the gate can judge a media type; an asset type that accepts another one is a problem.
 */
export function buildAssetTypes(
  declared: unknown,
  canJudge: (mediaType: string) => boolean,
  problems: string[],
): AssetTypes {
  const assetTypes = new Map(shippedAssetTypes());
  if (declared !== undefined && !isRecord(declared)) problems.push('assetTypes must be an object');
  for (const [name, fields] of Object.entries(isRecord(declared) ? declared : {})) {
    const path = `assetTypes.${name}`;
    if (!NAME.test(name))
      problems.push(`${path}: a name has 1 to 63 of a-z, 0-9 and _ and begins with a letter`);
    else if (fields === null) assetTypes.delete(name);
    else if (!isRecord(fields)) problems.push(`${path} must be an object, or null to take it away`);
    else {
      const assetType = readAssetType(name, fields, assetTypes.get(name), problems);
      if (assetType !== undefined) assetTypes.set(name, assetType);
    }
  }
  for (const assetType of assetTypes.values()) {
    for (const mediaType of Object.keys(assetType.accepts)) {
      if (canJudge(mediaType)) continue;
      problems.push(
        `assetTypes.${assetType.name}.accepts: ${mediaType} is no media type that Stowage can judge`,
      );
    }
  }
  return assetTypes;
}

function readAssetType(
  name: string,
  fields: Readonly<Record<string, unknown>>,
  shipped: AssetType | undefined,
  problems: string[],
): AssetType | undefined {
  const path = `assetTypes.${name}`;
  for (const field of Object.keys(fields)) {
    if (FIELDS.includes(field)) continue;
    const meant = nearestField(field);
    problems.push(`${path}.${field} is no field${meant === undefined ? '' : `; did you mean ${meant}?`}`);
  }
  const has = (field: string): boolean => fields[field] !== undefined;
  for (const field of ['accepts', 'maxSize', 'keyTemplate']) {
    if (shipped === undefined && !has(field)) problems.push(`${path}.${field} is missing`);
  }
  const problem = (field: string, text: string): undefined => {
    problems.push(`${path}.${field} ${text}`);
    return undefined;
  };
  const accepts = has('accepts') ? readAccepts(path, fields.accepts, problems) : shipped?.accepts;
  const fileBytesMax = has('maxSize')
    ? (readMaxSize(fields.maxSize) ?? problem('maxSize', 'must be a size of at least 1 byte, such as 10mb'))
    : shipped?.fileBytesMax;
  const keyTemplate = has('keyTemplate')
    ? readKeyTemplate(fields.keyTemplate, (text) => problem('keyTemplate', text))
    : shipped?.keyTemplate;
  if (accepts === undefined || fileBytesMax === undefined || keyTemplate === undefined) return undefined;
  const visibility = readVisibility(fields.visibility, problem) ?? shipped?.visibility ?? 'private';
  return {
    name,
    accepts,
    fileBytesMax,
    keyTemplate,
    cacheControl:
      readCacheControl(fields.cacheControl, problem) ??
      defaultCacheControl(visibility, shipped?.cacheControl ?? null),
    unusedDaysMax:
      visibility === 'public'
        ? noRetention(fields.retentionDays, problem)
        : readRetention(fields.retentionDays, shipped?.unusedDaysMax ?? null, problem),
    filesPerRequestMax:
      readFilesPerRequest(fields.filesPerRequest, problem) ?? shipped?.filesPerRequestMax ?? 10,
    visibility,
  };
}

/** What is for everybody may be kept by every cache; without a word about how long, for five minutes. */
function defaultCacheControl(visibility: AssetType['visibility'], ofShipped: string | null): string {
  if (visibility === 'private') return ofShipped ?? 'private, no-cache';
  return ofShipped?.replace(/^private\b/, 'public') ?? 'public, max-age=300';
}

type Report = (field: string, text: string) => undefined;

function readAccepts(
  path: string,
  value: unknown,
  problems: string[],
): Readonly<Record<string, readonly string[]>> | undefined {
  const before = problems.length;
  if (!isRecord(value) || Object.keys(value).length === 0) {
    problems.push(`${path}.accepts must name at least one media type with its extensions`);
    return undefined;
  }
  const accepts: Record<string, readonly string[]> = {};
  for (const [mediaType, extensions] of Object.entries(value)) {
    if (!MEDIA_TYPE.test(mediaType)) {
      problems.push(`${path}.accepts: "${mediaType}" is no media type in lower case without parameters`);
    }
    const list = Array.isArray(extensions) ? extensions : [];
    const texts = list.filter((item): item is string => typeof item === 'string' && EXTENSION.test(item));
    if (texts.length === 0 || texts.length !== list.length) {
      problems.push(`${path}.accepts: ${mediaType} needs a list of extensions in lower case without the dot`);
    }
    accepts[mediaType] = texts;
  }
  return problems.length === before ? accepts : undefined;
}

function readMaxSize(value: unknown): number | undefined {
  const bytes =
    typeof value === 'string'
      ? parseByteSize(value)
      : Number.isSafeInteger(value)
        ? Number(value)
        : undefined;
  return bytes !== undefined && bytes >= 1 && bytes <= FILE_BYTES_MAX ? bytes : undefined;
}

function readKeyTemplate(value: unknown, problem: (text: string) => undefined): string | undefined {
  if (typeof value !== 'string' || value === '') return problem('must be a text');
  const placeholders = [...value.matchAll(/\{([^{}]*)\}/g)].map((match) => match[1] ?? '');
  for (const placeholder of placeholders) {
    if (OWN_PLACEHOLDERS.has(placeholder) || FIELD_PLACEHOLDER.test(placeholder)) continue;
    return problem(`has the unknown placeholder {${placeholder}}`);
  }
  if (!placeholders.includes('uuid') && !placeholders.includes('uuid8')) {
    return problem('must hold {uuid} or {uuid8}, so that no two files share a key');
  }
  // A placeholder stands for harmless characters, so a sample shows whether the rest makes a key.
  const sample = value.replace(/\{[^{}]*\}/g, 'x');
  if (/[{}]/.test(sample)) return problem('has a brace without its partner');
  if (!isObjectKey(sample)) return problem('makes no valid key');
  // Uploads of browsers and parts in the making live there; nothing below it is ever served.
  if (sample === 'incoming' || sample.startsWith('incoming/'))
    return problem('must not begin with incoming/');
  return value;
}

function readCacheControl(value: unknown, problem: Report): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'string' && /^[\x20-\x7e]{0,200}$/.test(value)) return value;
  return problem('cacheControl', 'must be a text of at most 200 printable ASCII characters');
}

/** Reads of public assets are answered by caches and not logged: nobody could tell an unused one from the site's logo. */
function noRetention(value: unknown, problem: Report): null {
  if (value !== undefined && value !== null)
    problem('retentionDays', 'must not be set for a public type: nobody knows whether its assets are read');
  return null;
}

function readRetention(value: unknown, fallback: number | null, problem: Report): number | null {
  if (value === undefined) return fallback;
  if (value === null) return null;
  if (Number.isSafeInteger(value) && Number(value) >= 1 && Number(value) <= 36_500) return Number(value);
  problem('retentionDays', 'must be a whole number from 1 to 36500, or null to keep assets for ever');
  return fallback;
}

function readFilesPerRequest(value: unknown, problem: Report): number | undefined {
  if (value === undefined) return undefined;
  if (Number.isSafeInteger(value) && Number(value) >= 1 && Number(value) <= 10) return Number(value);
  return problem('filesPerRequest', 'must be a whole number from 1 to 10');
}

function readVisibility(value: unknown, problem: Report): 'private' | 'public' | undefined {
  if (value === undefined || value === 'private' || value === 'public') return value;
  return problem('visibility', 'must be private or public');
}

function nearestField(field: string): string | undefined {
  const lower = field.toLowerCase();
  return (
    FIELDS.find((known) => known.toLowerCase().startsWith(lower.slice(0, 3)) || known === lower) ??
    nearestName(field, FIELDS)
  );
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
