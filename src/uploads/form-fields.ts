import type { AssetType, AssetTypes } from '../core/asset-type.ts';
import { StowageError } from '../core/errors.ts';
import { fieldValue, requiredFields } from './key.ts';
import { parseMetadata, type UploadMetadata } from './metadata.ts';

/** What a form and its query say beside the files, in whatever order it comes. */
export class FormFields {
  readonly #assetTypes: AssetTypes;
  readonly #values: Map<string, string>;
  readonly #digests: string[] = [];
  #assetType: AssetType | undefined;
  /** The fields that its key needs. */
  #needed: readonly string[] = [];

  /** @throws StowageError `unknown_asset_type`. */
  constructor(assetTypes: AssetTypes, query: ReadonlyMap<string, string>) {
    this.#assetTypes = assetTypes;
    this.#values = new Map(query);
    this.#findAssetType();
  }

  /**
   * Takes one field. Fields that mean nothing here are left alone: an application's form may have its own.
   *
   * @throws StowageError `invalid_parameter` when it contradicts the same field before; `unknown_asset_type`.
   */
  add(name: string, value: string): void {
    if (name === 'sha256' || name === 'sha256[]') {
      this.#digests.push(value);
      return;
    }
    if (name !== 'asset_type' && name !== 'metadata' && !name.endsWith('_id')) return;
    const before = this.#values.get(name);
    if (before !== undefined && before !== value) {
      throw new StowageError('invalid_parameter', 'A field is there twice, with different values.', {
        fields: { parameter: name },
      });
    }
    this.#values.set(name, value);
    if (name === 'asset_type') this.#findAssetType();
  }

  /** The asset type, as soon as it is known. */
  get assetType(): AssetType | undefined {
    return this.#assetType;
  }

  /** All fields by name. */
  get values(): ReadonlyMap<string, string> {
    return this.#values;
  }

  /** The fields that the key of the asset type needs, in its order, as far as they have come. */
  get keyFields(): readonly (readonly [name: string, value: string])[] {
    return this.#needed.flatMap((name) => {
      const value = this.#values.get(name);
      return value === undefined ? [] : [[name, value] as const];
    });
  }

  /** The `sha256` fields in their order. */
  get digests(): readonly string[] {
    return this.#digests;
  }

  /**
   * Whether all is known that a file needs to be stored.
   *
   * @throws StowageError `invalid_parameter` when a field can't stand in a key.
   */
  isReady(): boolean {
    if (this.#assetType === undefined || !this.#needed.every((name) => this.#values.has(name))) return false;
    for (const name of this.#needed) fieldValue(name, this.#values);
    return true;
  }

  /**
   * The asset type, once all fields have been read.
   *
   * @throws StowageError `missing_field` when it, or what its key needs, never came; `invalid_parameter`.
   */
  finish(): { readonly assetType: AssetType; readonly metadata: UploadMetadata } {
    const assetType = this.#assetType;
    if (assetType === undefined) {
      throw new StowageError('missing_field', 'The field asset_type is missing.', {
        fields: { parameter: 'asset_type' },
      });
    }
    for (const name of this.#needed) fieldValue(name, this.#values);
    const metadata = this.#values.get('metadata');
    return { assetType, metadata: metadata === undefined ? {} : parseMetadata(metadata) };
  }

  #findAssetType(): void {
    const name = this.#values.get('asset_type');
    if (name === undefined || name === '') return;
    this.#assetType = assetTypeNamed(this.#assetTypes, name);
    this.#needed = requiredFields(this.#assetType.keyTemplate);
  }
}

/** @throws StowageError `unknown_asset_type`; it tells the names there are, for a slip is the usual reason. */
export function assetTypeNamed(assetTypes: AssetTypes, name: string, parameter = 'asset_type'): AssetType {
  const assetType = assetTypes.get(name);
  if (assetType !== undefined) return assetType;
  const names = [...assetTypes.keys()];
  const told = names.slice(0, NAMES_TOLD_MAX).join(', ');
  const more = names.length > NAMES_TOLD_MAX ? ' and more' : '';
  throw new StowageError('unknown_asset_type', `There is no such asset type. There are: ${told}${more}.`, {
    fields: { parameter },
  });
}

const NAMES_TOLD_MAX = 30;
