import { create } from 'content-disposition';

/**
 * What browsers may show themselves, each a format that can't run script on its own. No SVG, no HTML, no XML; the gate
 * has refused PDF documents that act.
 */
const INLINE_TYPES: ReadonlySet<string> = new Set([
  'image/jpeg',
  'image/png',
  'image/webp',
  'image/gif',
  'image/avif',
  'video/mp4',
  'video/webm',
  'video/quicktime',
  'audio/mpeg',
  'audio/mp4',
  'audio/aac',
  'audio/ogg',
  'audio/wav',
  'audio/webm',
  'audio/flac',
  'application/pdf',
]);

/** Whether content of this media type may be shown by a browser instead of saved. */
export function mayBeInline(mediaType: string): boolean {
  return INLINE_TYPES.has(mediaType);
}

/**
 * A Content-Disposition header that gives the file its name back, in any script (RFC 6266, RFC 8187).
 *
 * @param wanted `inline` is granted only to media types of the allow-list.
 */
export function contentDisposition(
  filename: string,
  mediaType: string,
  wanted: 'inline' | 'attachment',
): string {
  return create(filename, { type: wanted === 'inline' && mayBeInline(mediaType) ? 'inline' : 'attachment' });
}
