import type { Catalog, Page } from '../catalog.ts';

/** What a law is tried on: a catalog nobody else uses, and another node's view of the same database. */
export interface LawGround {
  readonly catalog: Catalog;
  readonly otherNode: Catalog;
  /** Moves the clock of both. */
  readonly setNow: (nowMs: number) => void;
  /** Begins a transaction that writes, of somebody else in the same database. @returns what ends it. */
  readonly beginWrite: () => Promise<() => Promise<void>>;
}

/** One promise, tried. */
export type Law = (ground: LawGround) => Promise<void>;

/** The user most laws are about. */
export const ACME = { tenantId: 'acme', userId: 'ada' };
export const FIVE_AN_HOUR = { filesMax: 5, windowSeconds: 3600 };
/** A query for the whole log of a tenant. */
export const EVERYTHING = {
  tenantId: 'acme',
  userId: null,
  assetId: null,
  action: null,
  fromMs: null,
  toMs: null,
  limit: 200,
  cursor: null,
} as const;

/** Reads page after page to the end. */
export async function allPages<Item>(read: (cursor: string | null) => Promise<Page<Item>>): Promise<Item[]> {
  const items: Item[] = [];
  for (let cursor: string | null = null; ; ) {
    const page: Page<Item> = await read(cursor);
    items.push(...page.items);
    if (page.nextCursor === null) return items;
    cursor = page.nextCursor;
  }
}

/** Everything an iterable yields. */
export async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const collected: Item[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}
