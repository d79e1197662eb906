import type { Json } from './json.ts';

/**
 * One thing that a store is told, with all that plan, apply and verify need to know of it. A provider is a list of these,
 * in the order in which they can be made.
 */
export interface Setting {
  /** As `plan` shows it and `leaveOut` names it, for example `bucket_policy`. */
  readonly name: string;
  /** What goes wrong where it is not as it should be, in one sentence. */
  readonly protects: string;
  /** What is there now; undefined when nothing is. Changes nothing. */
  read(signal: AbortSignal): Promise<Json | undefined>;
  /** What should be there, in the same shape. Parts that are only known once something else is made are {@link LATER}. */
  desired(signal: AbortSignal): Promise<Json>;
  /**
   * Makes it so. Doing it again does no harm.
   *
   * @param current what `read` answered a moment ago.
   */
  apply(current: Json | undefined, context: ApplyContext): Promise<void>;
  /** What an operator can do about a difference, besides `stowage provision apply`. */
  readonly mend?: string;
}

/** What applying one setting may use. */
export interface ApplyContext {
  readonly signal: AbortSignal;
  /** Tells how far a long wait is. */
  readonly progress: (line: string) => void;
}

/** Stands for what the provider decides when it makes something. */
export const LATER = '(known after apply)';

/** The answer to one question that is asked from outside. */
export interface Finding {
  readonly check: string;
  readonly status: 'ok' | 'warn' | 'fail';
  readonly detail: string;
  /** What mends it; null when all is well. */
  readonly mend: string | null;
}

/** Who asks: a stranger without keys, the backend's own identity, the operator whose keys may do everything. */
export type Asker = 'stranger' | 'backend' | 'operator';

/** One question, asked of the store as somebody would who uses or attacks it. */
export interface Probe {
  readonly check: string;
  readonly asker: Asker;
  ask(signal: AbortSignal): Promise<readonly Finding[]>;
}

/** Begins the keys of objects that questions write; the lifecycle removes what an interrupted one leaves. */
export const QUESTION_PREFIX = 'incoming/verify-';

/** What `destroy` found. */
export interface Contents {
  /** Whether there is anything to destroy. */
  readonly exists: boolean;
  /** Objects and versions, up to a bound; markers of folders that we made don't count. */
  readonly objects: number;
  /** Whether there are more than were counted. */
  readonly hasMore: boolean;
}

/** A store that can be provisioned. */
export interface Provider extends AsyncDisposable {
  readonly name: 's3' | 'azure' | 'gcs' | 'local';
  /** Bucket, container or directory. */
  readonly bucket: string;
  readonly settings: readonly Setting[];
  /** Name of the setting that makes the store itself: before that is there, nobody can rely on anything of it. */
  readonly storeSetting: string;
  readonly probes: readonly Probe[];
  /** What works and should be seen all the same, in full sentences. */
  readonly warnings: readonly string[];
  /** Counts what is stored. */
  contents(signal: AbortSignal): Promise<Contents>;
  /**
   * Takes everything away that `apply` made. What is gone already is no failure.
   *
   * @param force also the objects, all versions of them.
   */
  destroy(options: { readonly force: boolean } & ApplyContext): Promise<readonly string[]>;
  /** The desired state as variables of the Terraform module of this provider. */
  readonly variables: Readonly<Record<string, Json>>;
  /** Documents in the provider's own words by name, for those who apply them by other means. */
  documents(signal: AbortSignal): Promise<Readonly<Record<string, Json>>>;
  /** What an operator must do elsewhere, such as DNS records; sentences. */
  notes(signal: AbortSignal): Promise<readonly string[]>;
}

/** Something that an operator has to mend before provisioning can go on. The message is a full sentence. */
export class ProvisioningError extends Error {
  override readonly name = 'ProvisioningError';
}

export function ok(check: string, detail: string): Finding {
  return { check, status: 'ok', detail, mend: null };
}

export function warn(check: string, detail: string, mend: string): Finding {
  return { check, status: 'warn', detail, mend };
}

export function fail(check: string, detail: string, mend: string): Finding {
  return { check, status: 'fail', detail, mend };
}
