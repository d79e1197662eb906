import type { AssetType } from '../core/asset-type.ts';
import type { ByteStream } from '../core/bytes.ts';
import { isStowageError } from '../core/errors.ts';
import { ChunkSource } from './chunk-source.ts';
import type { Admission, InspectorFactory, JudgedName, UploadClaim } from './gate.ts';
import { JudgedBody } from './judged-body.ts';
import { canonicalMediaType, parseDeclaredType } from './media-type.ts';
import { judgeName } from './names.ts';
import { HEAD_BYTES_MAX, type Recognition, recognise } from './recognise.ts';
import { refuse } from './refusal.ts';
import { inspectorFor } from './registry.ts';
import { judgeClaimedSize } from './size-rules.ts';

export interface AdmitOptions {
  /** Ends every wait for the source with `aborted`. */
  readonly signal?: AbortSignal;
  /** A file of at most this many bytes can be had again by `Admission.again`. Without it nothing is kept. */
  readonly keptBytesMax?: number;
}

/**
 * The one gate that every file passes before it becomes an asset: judges name, extension and declared type, settles
 * by the first bytes what the content is, and returns a body that judges the rest while it passes.
 *
 * It holds the first 4,100 bytes (rounded up to whole chunks), up to 64 KiB that wait for their hash, and what the
 * format's inspector needs, whatever the size of the file. When it throws, the source has been closed.
 *
 * @param body the file's bytes; read here up to the head, and by `Admission.body` to the end.
 * @throws StowageError `invalid_file_type`, `file_type_mismatch`, `suspicious_content`, `empty_file`, `file_too_large`,
 * `filename_too_long`, `invalid_filename`, `malformed_request`, `aborted`, or what the source throws.
 */
export async function admit(
  body: ByteStream,
  claim: UploadClaim,
  assetType: AssetType,
  options: AdmitOptions = {},
): Promise<Admission> {
  const source = new ChunkSource(body, options.signal);
  try {
    const name = await judgeNameWith(source, claim, assetType);
    judgeClaimedSize(claim, assetType);
    const head = await source.readHead(HEAD_BYTES_MAX);
    if (head.length === 0) throw refuse('size.empty', 'empty_file', 'The file is empty.');
    const mediaType = settleType(await recognise(head), name, claim, head);
    const file = { claim, assetType, name, mediaType, openInspector: inspector(mediaType) };
    const judged = new JudgedBody(source, file, options.keptBytesMax ?? 0);
    return {
      name,
      mediaType,
      body: judged,
      verdict: () => judged.verdict(),
      again: () => judged.again(),
    };
  } catch (error) {
    await source.close();
    throw error;
  }
}

/** Judges the name; a conflict of types tells what the content is as well, as those do that show in the content. */
async function judgeNameWith(
  source: ChunkSource,
  claim: UploadClaim,
  assetType: AssetType,
): Promise<JudgedName> {
  try {
    return judgeName(claim, assetType);
  } catch (error) {
    if (!isStowageError(error, 'file_type_mismatch')) throw error;
    const [detected] = (await recognise(await source.readHead(HEAD_BYTES_MAX))).mediaTypes;
    throw detected === undefined ? error : error.with({ detected });
  }
}

function inspector(mediaType: string): InspectorFactory {
  const factory = inspectorFor(mediaType);
  if (factory === undefined)
    throw new Error(`No inspector knows ${mediaType}: the asset type must not accept it.`);
  return factory;
}

function settleType(seen: Recognition, name: JudgedName, claim: UploadClaim, head: Buffer): string {
  const { extension } = name;
  if (seen.danger !== undefined) {
    const message = `The file is named .${extension}, but its content is ${seen.danger}.`;
    throw refuse('content.runnable', 'suspicious_content', message, { extension });
  }
  const mediaType = name.candidates.find((candidate) =>
    seen.mediaTypes.includes(canonicalMediaType(candidate)),
  );
  const declared = parseDeclaredType(claim.mediaType);
  const fields = { extension, ...(declared && { declared }) };
  const claimed = `The file is named .${extension}${declared ? ` and declared as ${declared}` : ''}`;
  const [detected] = seen.mediaTypes;
  if (detected === undefined) {
    const isText = name.candidates.every((candidate) => candidate.startsWith('text/'));
    const hint = isText ? ' Text must be in UTF-8.' : '';
    const message = `${claimed}, but its content is not recognised as such.${hint}`;
    throw refuse('content.unrecognised', 'file_type_mismatch', message, fields);
  }
  if (mediaType === undefined) {
    const message = `${claimed}, but its content is ${detected}.`;
    throw refuse('content.another_type', 'file_type_mismatch', message, { ...fields, detected });
  }
  refuseHiddenPdf(mediaType, head);
  return mediaType;
}

/** Readers of PDF accept its header anywhere in the first 1,024 bytes, so another format may not hold it there. */
function refuseHiddenPdf(mediaType: string, head: Buffer): void {
  if (!/^(?:image|video)\//.test(mediaType) || !head.subarray(0, 1024).includes('%PDF-')) return;
  throw refuse(
    'content.hidden_pdf',
    'suspicious_content',
    'The file hides a PDF document in its first bytes.',
  );
}
