import type { AssetType } from '../core/asset-type.ts';
import type { ByteStream } from '../core/bytes.ts';

/** What the client says about a file. All of it is a claim. */
export interface UploadClaim {
  /** The file's name as the client gave it, untouched. */
  readonly filename: string;
  /** The declared media type as sent; null, `''` and `application/octet-stream` mean undeclared. */
  readonly mediaType: string | null;
  /** The size the client announced, in bytes; null when unknown. */
  readonly sizeBytes: number | null;
  /** SHA-256 the client announced, 32 bytes; null when unknown. */
  readonly sha256: Uint8Array | null;
}

/** A claim whose name, extension and declared type fit the asset type: all that is known before the bytes. */
export interface JudgedName {
  /** The name as given, in Unicode NFC, at most 255 characters: what the record keeps. */
  readonly filename: string;
  /** Its extension in lower case without the dot, one that the asset type accepts. */
  readonly extension: string;
  /** Media types still possible: those of the asset type that go with the extension and the declared type. */
  readonly candidates: readonly string[];
}

/** A file on its way through the gate: the type is settled by its first bytes, the rest is judged while it passes. */
export interface Admission {
  readonly name: JudgedName;
  /** What the content is. */
  readonly mediaType: string;
  /**
   * All bytes of the file, unchanged. It throws a StowageError as soon as the content is refused, the limit is passed
   * or, at the end, the structure is incomplete or the digest differs: whoever stores it must then store nothing.
   */
  readonly body: ByteStream;
  /** The judgement; throws an Error (a bug) before `body` has been read to its end. */
  verdict(): Verdict;
  /**
   * The very chunks that passed, once more, without judging them again: what was judged is what is had. Null unless `body`
   * has been read to its end and the file was small enough to be kept, see `AdmitOptions.keptBytesMax`.
   */
  again(): ByteStream | null;
}

export interface Verdict {
  readonly filename: string;
  readonly mediaType: string;
  readonly sizeBytes: number;
  /** SHA-256 of the content, 32 bytes. */
  readonly sha256: Buffer;
}

/** Judges bytes that pass by in order, for one media type. Holds a bounded amount of memory. */
export interface Inspector {
  /**
   * Looks at the next bytes. Most inspectors answer at once; one that must wait for a decompressor returns a promise.
   *
   * @throws StowageError `suspicious_content` or `file_type_mismatch`.
   */
  push(chunk: Uint8Array): void | Promise<void>;
  /** Called once after the last byte. @throws StowageError when the structure is incomplete. */
  finish(): void | Promise<void>;
  /** Releases what is held; called exactly once, also after an error. */
  close(): void;
}

/** Makes the inspector for a file; called once per file. */
export type InspectorFactory = (context: InspectionContext) => Inspector;

/** What an inspector may know about the file beyond its bytes. */
export interface InspectionContext {
  readonly mediaType: string;
  readonly extension: string;
  readonly assetType: AssetType;
}
