import type { ClientBase } from 'pg';
import type { AssetLinks, LinkedAsset, RecordName } from '../catalog/asset-links.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { Clock } from '../core/clock.ts';
import { StowageError } from '../core/errors.ts';
import { invalidParameter } from './callers.ts';

/**
 * How many assets a record may have in a role: `{ brand: { product_image: { min: 2, max: 10 } } }`. Where rules are given,
 * they name every kind of record and every role there is.
 */
export type LinkRules = Readonly<Record<string, Readonly<Record<string, LinkBounds>>>>;

export interface LinkBounds {
  /** Fewest, once there is one; a record may always lose all of them at once. Default: 0. */
  readonly min?: number;
  /** Most. Default: 1,000. */
  readonly max?: number;
}

/** A record of the application, and which of its assets are meant. */
export type RecordRef<Rules extends LinkRules> = string extends keyof Rules
  ? { readonly recordType: string; readonly recordId: string; readonly role?: string }
  : {
      readonly [Type in keyof Rules & string]: {
        readonly recordType: Type;
        readonly recordId: string;
        readonly role?: keyof Rules[Type] & string;
      };
    }[keyof Rules & string];

/** A link that is to be made. Where rules are given, it names its role. */
export type NewLink<Rules extends LinkRules> = (string extends keyof Rules
  ? { readonly recordType: string; readonly recordId: string; readonly role?: string }
  : {
      readonly [Type in keyof Rules & string]: {
        readonly recordType: Type;
        readonly recordId: string;
        readonly role: keyof Rules[Type] & string;
      };
    }[keyof Rules & string]) & {
  readonly assetId: string;
  /** Place among the record's assets, a whole number; those without come last. */
  readonly position?: number;
};

/** Most assets that a record has in a role. */
const LINKS_PER_ROLE_MAX = 1_000;
const NAME = /^[A-Za-z][A-Za-z0-9_.-]{0,62}$/;

/** The links that one transaction changes, and the rules that must hold when it ends. */
export class LinkChanges {
  readonly #client: ClientBase;
  readonly #links: AssetLinks;
  readonly #rules: LinkRules;
  readonly #clock: Clock;
  /** Records that changed, with the counts before. */
  readonly #changed = new Map<
    string,
    { readonly record: RecordName; readonly before: ReadonlyMap<string, number>; emptied: boolean }
  >();

  constructor(client: ClientBase, parts: { catalog: Catalog; rules: LinkRules; clock: Clock }) {
    this.#client = client;
    this.#links = parts.catalog;
    this.#rules = parts.rules;
    this.#clock = parts.clock;
  }

  /** @throws StowageError `not_found` when the asset is not there; `invalid_parameter`. */
  async add(
    record: RecordName,
    link: { readonly assetId: string; readonly role: string; readonly position: number | null },
    isNew: boolean,
  ): Promise<void> {
    checkRole(this.#rules, record, link.role);
    checkPosition(link.position);
    await this.#change(record);
    const options = { nowMs: this.#clock.now(), isNew };
    const added = await this.#links.addLink(this.#client, { ...record, ...link }, options);
    if (!added) throw new StowageError('not_found', 'There is no such asset.');
  }

  /** @returns the ids of the assets that were linked. */
  async remove(
    record: RecordName,
    which: { readonly assetId: string | null; readonly role: string | null },
  ): Promise<readonly string[]> {
    if (which.role !== null) checkRole(this.#rules, record, which.role);
    const changed = await this.#change(record);
    if (which.assetId === null) changed.emptied = true;
    return await this.#links.removeLinks(this.#client, record, which);
  }

  list(record: RecordName, role: string | null): Promise<readonly LinkedAsset[]> {
    return this.#links.listLinked(record, role, this.#client);
  }

  /**
   * Holds the rules against what the transaction has made of the records it changed.
   *
   * @throws StowageError `invalid_parameter` for links that were added, `conflict` when too many were removed.
   */
  async check(): Promise<void> {
    for (const { record, before, emptied } of this.#changed.values()) {
      const after = await this.#links.lockLinks(this.#client, record);
      const rules = this.#rules[record.recordType] ?? {};
      for (const role of new Set([...Object.keys(rules), ...after.keys()])) {
        checkCount(record, role, rules[role] ?? {}, {
          before: before.get(role) ?? 0,
          after: after.get(role) ?? 0,
          emptied,
        });
      }
    }
  }

  async #change(record: RecordName) {
    checkRecord(this.#rules, record);
    const name = JSON.stringify([record.tenantId, record.recordType, record.recordId]);
    const known = this.#changed.get(name);
    if (known !== undefined) return known;
    const before = await this.#links.lockLinks(this.#client, record);
    const changed = { record, before, emptied: false };
    this.#changed.set(name, changed);
    return changed;
  }
}

/** @throws StowageError `invalid_parameter`. */
export function checkRecord(rules: LinkRules, { recordType, recordId }: RecordName): void {
  if (!NAME.test(recordType)) {
    throw invalidParameter(
      'recordType',
      'must be 1 to 63 letters, digits and _ . -, and begin with a letter',
    );
  }
  if (Object.keys(rules).length > 0 && !Object.hasOwn(rules, recordType)) {
    throw invalidParameter('recordType', 'is none of those that the rules name');
  }
  if (typeof recordId !== 'string' || recordId.length < 1 || recordId.length > 255 || /\0/.test(recordId)) {
    throw invalidParameter('recordId', 'must have 1 to 255 characters');
  }
}

function checkRole(rules: LinkRules, { recordType }: RecordName, role: string): void {
  if (role !== '' && !NAME.test(role)) {
    throw invalidParameter('role', 'must be 1 to 63 letters, digits and _ . -, and begin with a letter');
  }
  const known = Object.hasOwn(rules, recordType) ? rules[recordType] : undefined;
  if (known !== undefined && !Object.hasOwn(known, role)) {
    throw invalidParameter('role', `is none of those that the rules name for a ${recordType}`);
  }
}

function checkPosition(position: number | null): void {
  if (position === null || (Number.isInteger(position) && Math.abs(position) < 2 ** 31)) return;
  throw invalidParameter('position', 'must be a whole number of 32 bits');
}

function checkCount(
  { recordType, recordId }: RecordName,
  role: string,
  { min = 0, max = LINKS_PER_ROLE_MAX }: LinkBounds,
  { before, after, emptied }: { readonly before: number; readonly after: number; readonly emptied: boolean },
): void {
  const what = role === '' ? 'assets' : role;
  const parameter = role === '' ? 'assetId' : role;
  if (after > max) {
    const message = `A ${recordType} has at most ${max} ${what}; ${recordId} would have ${after}.`;
    throw new StowageError('invalid_parameter', message, { fields: { parameter } });
  }
  if (after >= min || after === before || (after === 0 && emptied)) return;
  const message = `A ${recordType} has at least ${min} ${what}; ${recordId} would have ${after}.`;
  // Who adds too few has given too few; who takes one too many meets what is there.
  throw after > before
    ? new StowageError('invalid_parameter', message, { fields: { parameter } })
    : new StowageError('conflict', message);
}
