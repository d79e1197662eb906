import type { ErrorCode } from '../../core/errors.ts';
import type { Sample } from './sample.ts';

/** A sample but for what its list has in common: a name, and the media type that is declared and expected. */
export type SampleCase = (filename: string, mediaType: string) => Sample;

/** A file that passes. */
export function accepted(title: string, bytes: () => Buffer, changes: Partial<Sample> = {}): SampleCase {
  return (filename, mediaType) => ({
    title,
    bytes,
    filename,
    declared: mediaType,
    mediaType,
    expect: 'accepted',
    ...changes,
  });
}

/** A file that exactly this rule refuses. */
export function refused(
  rule: string,
  title: string,
  bytes: () => Buffer,
  changes: Partial<Sample> = {},
): SampleCase {
  return (filename, mediaType) => ({
    title,
    bytes,
    filename,
    declared: mediaType,
    mediaType,
    expect: CODES[rule] ?? 'file_type_mismatch',
    rule,
    ...changes,
  });
}

/** The codes of the rules that do not say "not a whole, plain file of its type". */
const CODES: Readonly<Record<string, ErrorCode>> = {
  'boxes.bytes_after_end': 'suspicious_content',
  'content.hidden_archive': 'suspicious_content',
  'content.hidden_pdf': 'suspicious_content',
  'content.hidden_script': 'suspicious_content',
  'content.runnable': 'suspicious_content',
  'declared.not_accepted': 'invalid_file_type',
  'gif.extension_too_large': 'suspicious_content',
  'gif.lead_in_metadata': 'suspicious_content',
  'gif.script_comment': 'suspicious_content',
  'heif.filling': 'suspicious_content',
  'heif.lead_in_filling': 'suspicious_content',
  'image.bytes_after_end': 'suspicious_content',
  'image.too_many_pixels': 'suspicious_content',
  'jpeg.lead_in_metadata': 'suspicious_content',
  'jpeg.lead_in_trailer': 'suspicious_content',
  'jpeg.script_comment': 'suspicious_content',
  'jpeg.undeclared_part': 'suspicious_content',
  'mp4.filling': 'suspicious_content',
  'mp4.lead_in_filling': 'suspicious_content',
  'name.bidi_override': 'invalid_filename',
  'name.broken_unicode': 'invalid_filename',
  'name.control_character': 'invalid_filename',
  'name.dots_only': 'invalid_filename',
  'name.empty': 'invalid_filename',
  'name.extension_not_accepted': 'invalid_file_type',
  'name.extension_only': 'invalid_filename',
  'name.no_extension': 'invalid_file_type',
  'name.path_separator': 'invalid_filename',
  'name.runnable_extension_inside': 'invalid_filename',
  'name.too_long': 'filename_too_long',
  'name.trailing_dot_or_space': 'invalid_filename',
  'name.windows_device': 'invalid_filename',
  'png.lead_in_metadata': 'suspicious_content',
  'png.private_data': 'suspicious_content',
  'size.empty': 'empty_file',
  'text.markup_lead': 'suspicious_content',
  'tiff.lead_in_metadata': 'suspicious_content',
  'tiff.too_complex': 'suspicious_content',
  'webp.lead_in_metadata': 'suspicious_content',
  'webp.unknown_data': 'suspicious_content',
  'xml.active_element': 'suspicious_content',
  'xml.active_namespace': 'suspicious_content',
  'xml.doctype': 'suspicious_content',
  'xml.entity': 'suspicious_content',
  'xml.inclusion': 'suspicious_content',
  'xml.instruction': 'suspicious_content',
  'xml.too_deep': 'suspicious_content',
};
