import type { ByteStream } from '../../core/bytes.ts';
import type { Clock } from '../../core/clock.ts';
import type { ObjectKey } from '../../core/key.ts';
import type { Log } from '../../core/log.ts';
import type { ByteRange, CallOptions, ObjectInfo, StorageBackend } from '../backend.ts';
import type { CommitGroup } from './journal-file.ts';
import type { RequestHandler, SignedReceiver } from './serve.ts';
import type { SignedUrls } from './signed-urls.ts';

/** How to open the store on local disk. */
export interface LocalBackendOptions {
  /** Directory that holds everything; made (mode 0700) when missing. A symlink is resolved once, at open. */
  readonly root: string;
  /**
   * Where clients reach this server, for example `https://files.example.org`: the start of every signed URL. A
   * function is asked at each signing, for servers that know their port only when they listen.
   */
  readonly publicUrl: string | (() => string);
  /** At least one secret of 32 bytes or more, newest first: the first signs, all of them verify. */
  readonly signingSecrets: readonly string[];
  /** A put is refused when less than this would stay free on the disk, in bytes. Default 256 MiB. */
  readonly freeBytesMin?: number;
  /**
   * Size at which the journal of small objects goes on in a new file, in bytes. 0: no journal, every object is synced by
   * itself. Default 64 MiB.
   */
  readonly journalBytesMax?: number;
  /** How the journal's records get to the disk. Default: by a thread of this process; tests let it fail. */
  readonly commitGroup?: CommitGroup;
  /** Default: the system's clock. */
  readonly clock?: Clock;
  /** Default: silence. */
  readonly log?: Log;
}

/** Free space that is left alone unless the options say otherwise, in bytes. */
export const FREE_BYTES_MIN_DEFAULT = 256 * 1024 * 1024;

/** The store on local disk: the contract, and what only our own server can do with it. */
export interface LocalBackend extends StorageBackend {
  readonly name: 'local';
  /** Signs and verifies this store's URLs, without any I/O. */
  readonly urls: SignedUrls;
  /** Answers `GET`, `HEAD` and `PUT` of signed URLs on a plain node:http server. */
  readonly serve: RequestHandler;
  /** Stores what a signed URL for writing brings; how that is answered, and its failure, is the caller's. */
  readonly receive: SignedReceiver;
  /**
   * Opens one version of an object once, for answers that need its facts before they know what to send.
   *
   * @throws StowageError `object_not_found`.
   */
  openObject(key: ObjectKey, options: CallOptions): Promise<OpenObject>;
  /** Writes all small objects from the journal to their own files, so that those alone are a whole copy: for backups. */
  checkpoint(): Promise<void>;
  /** The multi-part uploads begun before the given time (milliseconds since the epoch), for the sweeper. */
  listStaleMultipart(startedBeforeMs: number): Promise<readonly StaleMultipart[]>;
}

/** One version of an object, held open. It must be ended: by `close`, or by reading or returning its one body. */
export interface OpenObject {
  readonly info: ObjectInfo;
  /**
   * The object's bytes, or a part of them; to be called at most once.
   *
   * @param range bounds inside the object; null for all of it.
   */
  body(range: ByteRange | null): ByteStream;
  /** Releases the object when no body was taken. Closing twice is harmless. */
  close(): void;
}

/** A multi-part upload that was begun and neither completed nor aborted. */
export interface StaleMultipart {
  readonly key: ObjectKey;
  readonly uploadId: string;
  /** Milliseconds since the epoch. */
  readonly startedAtMs: number;
}
