import type { AssetType } from '../core/asset-type.ts';

/** Other spellings of media types that browsers and tools send for the same thing, by the registered one. */
const ALIASES: Readonly<Record<string, string>> = {
  'application/csv': 'text/csv',
  'application/x-pdf': 'application/pdf',
  'application/x-zip': 'application/zip',
  'application/x-zip-compressed': 'application/zip',
  'image/jpg': 'image/jpeg',
  'image/pjpeg': 'image/jpeg',
  'image/tif': 'image/tiff',
  'image/x-png': 'image/png',
  'image/x-tiff': 'image/tiff',
  'text/x-csv': 'text/csv',
  'text/x-markdown': 'text/markdown',
  'text/xml': 'application/xml',
};

/** One spelling for each media type; unknown ones stay as they are. */
export function canonicalMediaType(mediaType: string): string {
  return ALIASES[mediaType] ?? mediaType;
}

// RFC 9110 §8.3.1: type "/" subtype, both tokens; parameters are of no interest here.
const MEDIA_TYPE = /^[!#$%&'*+.^_`|~0-9a-z-]{1,127}\/[!#$%&'*+.^_`|~0-9a-z-]{1,127}$/;

/**
 * Reads a declared media type: lower case, parameters dropped, aliases resolved.
 *
 * @returns null when nothing is declared (also `application/octet-stream`); undefined when the text is no media type.
 */
export function parseDeclaredType(text: string | null): string | null | undefined {
  if (text === null) return null;
  const essence = (text.split(';', 1)[0] ?? '').trim().toLowerCase();
  if (essence === '' && text.trim() === '') return null;
  if (!MEDIA_TYPE.test(essence)) return undefined;
  return essence === 'application/octet-stream' ? null : canonicalMediaType(essence);
}

/**
 * The media types of the asset type that go with an extension and a declared type (null: undeclared). `text/plain` is
 * what many systems say for every kind of text, so it goes with the extensions of all `text/…` types.
 */
export function candidateTypes(assetType: AssetType, extension: string, declared: string | null): string[] {
  return Object.keys(assetType.accepts).filter((mediaType) => {
    if (!assetType.accepts[mediaType]?.includes(extension)) return false;
    if (declared === null || canonicalMediaType(mediaType) === declared) return true;
    return declared === 'text/plain' && mediaType.startsWith('text/');
  });
}
