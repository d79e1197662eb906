/** The policy for one kind of asset: what is accepted, how large, where it is stored, how long it is kept. */
export interface AssetType {
  /** Name used in requests, for example `brand_image`: `[a-z][a-z0-9_]{0,62}`. */
  readonly name: string;
  /** Accepted media types (lower case, no parameters) with their extensions (lower case, no dot), never empty. */
  readonly accepts: Readonly<Record<string, readonly string[]>>;
  /** Largest file, in bytes. */
  readonly fileBytesMax: number;
  /** Key of the stored object; see `docs/reference/asset-types.md` for the placeholders. */
  readonly keyTemplate: string;
  /** Cache-Control stored with the object and sent with it. */
  readonly cacheControl: string;
  /** Days after which an asset that nobody has read is removed; `null` keeps it for ever. */
  readonly unusedDaysMax: number | null;
  /** Most files in one request, 1 to 10. */
  readonly filesPerRequestMax: number;
  /** `public` assets have a permanent unsigned URL; the bucket stays private all the same. */
  readonly visibility: 'private' | 'public';
}

/** The asset types of a configuration, by name. */
export type AssetTypes = ReadonlyMap<string, AssetType>;
