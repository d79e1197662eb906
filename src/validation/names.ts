import type { AssetType } from '../core/asset-type.ts';
import type { JudgedName, UploadClaim } from './gate.ts';
import { candidateTypes, canonicalMediaType, parseDeclaredType } from './media-type.ts';
import { refuse } from './refusal.ts';

/** Longest file name in characters (code points): what the catalog's column holds. */
export const FILENAME_CHARACTERS_MAX = 255;

/**
 * Judges all that is known before the bytes: the file's name, its extension and the declared media type.
 *
 * @throws StowageError `filename_too_long`, `invalid_filename`, `invalid_file_type` or `file_type_mismatch`.
 */
export function judgeName(claim: UploadClaim, assetType: AssetType): JudgedName {
  const filename = judgeFilename(claim.filename);
  const extension = judgeExtension(filename, assetType);
  return { filename, extension, candidates: judgeDeclaredType(claim.mediaType, extension, assetType) };
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for.
const CONTROL_CHARACTERS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/;
/** They make `gpj.exe` read as `exe.jpg`. Plain marks (U+200E, U+200F) stay: right-to-left names use them. */
const BIDI_OVERRIDES = /[\u202a-\u202e\u2066-\u2069]/;
const SEPARATORS = /[/\\]|%(?:2f|5c|00|2e%2e)/i;
const WINDOWS_DEVICES = /^(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])$/i;

function judgeFilename(given: string): string {
  // A UTF-16 length twice the limit can't be short enough: not worth normalising.
  const filename = given.length > 4 * FILENAME_CHARACTERS_MAX ? given : given.normalize('NFC');
  if (filename === '') throw refuse('name.empty', 'invalid_filename', 'The file has no name.');
  if (isLongerThan(filename, FILENAME_CHARACTERS_MAX)) {
    throw refuse(
      'name.too_long',
      'filename_too_long',
      `The file name is longer than ${FILENAME_CHARACTERS_MAX} characters.`,
    );
  }
  const [rule, problem] = filenameProblem(filename) ?? [];
  if (rule) throw refuse(rule, 'invalid_filename', `The file name ${problem}.`);
  return filename;
}

/** Counts only where the UTF-16 length does not tell: a character has one unit or two. */
function isLongerThan(text: string, charactersMax: number): boolean {
  if (text.length <= charactersMax) return false;
  return text.length > 2 * charactersMax || [...text].length > charactersMax;
}

function filenameProblem(filename: string): readonly [rule: string, problem: string] | undefined {
  if (!filename.isWellFormed()) return ['name.broken_unicode', 'is not valid Unicode'];
  if (CONTROL_CHARACTERS.test(filename)) return ['name.control_character', 'contains a control character'];
  if (BIDI_OVERRIDES.test(filename)) {
    return ['name.bidi_override', 'contains characters that reverse the direction of text'];
  }
  if (SEPARATORS.test(filename)) return ['name.path_separator', 'contains a path separator'];
  if (/^\.+$/.test(filename)) return ['name.dots_only', 'consists of dots only'];
  if (/[. ]$/.test(filename)) return ['name.trailing_dot_or_space', 'ends in a dot or a space'];
  const stem = (filename.split('.', 1)[0] ?? '').trim();
  if (WINDOWS_DEVICES.test(stem)) return ['name.windows_device', 'is reserved by Windows'];
  return undefined;
}

/**
 * Extensions that some server or desktop runs. One of them before the last dot (`photo.php.jpg`) is a disguise: a web
 * server with a handler for it, or a desktop that hides the last extension, would run the file. Left out on purpose,
 * since honest names hold them: `js` (Node.js.pdf), `net`, and `com`, `pl`, `app`, `zip`, which are also domains.
 */
const RUNNABLE_EXTENSIONS: ReadonlySet<string> = new Set(
  (
    'exe dll scr msi msp msc bat cmd pif cpl hta vbs vbe jse wsf wsh ps1 psm1 reg lnk url scf jar class war apk dmg ' +
    'php php2 php3 php4 php5 php6 php7 php8 phps pht phtm phtml phar inc asp aspx asa asax ascx ashx asmx cer cfm ' +
    'jsp jspx jsw jsv jspf cgi fcgi py pyc rb sh bash csh zsh shtml shtm stm html htm xhtml xht mht mhtml svg svgz ' +
    'xsl xslt swf htaccess htpasswd'
  ).split(' '),
);

function judgeExtension(filename: string, assetType: AssetType): string {
  const parts = filename.split('.');
  const extension = parts.length > 1 ? (parts.at(-1) ?? '') : '';
  if (extension === '') {
    throw refuse('name.no_extension', 'invalid_file_type', 'The file name has no extension.', { extension });
  }
  if (parts.length === 2 && parts[0]?.trim() === '') {
    throw refuse('name.extension_only', 'invalid_filename', 'The file name is only an extension.', {
      extension,
    });
  }
  // ASCII first: toLowerCase() turns look-alikes such as the Kelvin sign into plain letters.
  const lower = /^[0-9A-Za-z]{1,16}$/.test(extension) ? extension.toLowerCase() : undefined;
  if (lower === undefined || !Object.values(assetType.accepts).some((list) => list.includes(lower))) {
    throw refuse(
      'name.extension_not_accepted',
      'invalid_file_type',
      `Files named .${extension.slice(0, 32)} are not accepted for ${assetType.name}; accepted are ${acceptedList(assetType)}.`,
      { extension: extension.slice(0, 32) },
    );
  }
  for (const part of parts.slice(1, -1)) {
    const inner = part.toLowerCase().replaceAll(/[^0-9a-z]/g, '');
    if (!RUNNABLE_EXTENSIONS.has(inner)) continue;
    throw refuse(
      'name.runnable_extension_inside',
      'invalid_filename',
      `The file name hides the extension .${inner} before .${lower}; rename the file.`,
      { extension: lower },
    );
  }
  return lower;
}

function judgeDeclaredType(text: string | null, extension: string, assetType: AssetType): string[] {
  const declared = parseDeclaredType(text);
  if (declared === undefined) {
    throw refuse(
      'declared.malformed',
      'file_type_mismatch',
      'The declared media type of the file is malformed.',
      { declared: (text ?? '').slice(0, 127), extension },
    );
  }
  const candidates = candidateTypes(assetType, extension, declared);
  if (candidates.length > 0 || declared === null) return candidates;
  const fields = { declared, extension };
  if (!Object.keys(assetType.accepts).some((mediaType) => canonicalMediaType(mediaType) === declared)) {
    throw refuse(
      'declared.not_accepted',
      'invalid_file_type',
      `Files of type ${declared} are not accepted for ${assetType.name}; accepted are ${acceptedList(assetType)}.`,
      fields,
    );
  }
  throw refuse(
    'declared.conflicts_with_extension',
    'file_type_mismatch',
    `The file is declared as ${declared}, but its name ends in .${extension}.`,
    fields,
  );
}

function acceptedList(assetType: AssetType): string {
  return [...new Set(Object.values(assetType.accepts).flat())].map((extension) => `.${extension}`).join(', ');
}
