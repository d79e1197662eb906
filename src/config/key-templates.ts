import type { ShippedKeyTemplates } from './asset-types.ts';

/** The key templates of asset types by their names: all that the compiler needs to check a call that names one. */
export type KeyTemplates = Readonly<Record<string, string>>;

/**
 * The asset types that a program has with a config: the shipped ones, less those that are taken away, and its own. A
 * config whose type does not tell its asset types allows every name.
 */
export type KeyTemplatesOf<Config> = 'assetTypes' extends keyof Config
  ? Config['assetTypes'] extends object
    ? string extends keyof Config['assetTypes']
      ? KeyTemplates
      : Declared<Config['assetTypes']>
    : KeyTemplates
  : ShippedKeyTemplates;

type Declared<AssetTypes> = {
  readonly [Name in
    | KeptNames<AssetTypes>
    | Exclude<keyof ShippedKeyTemplates, keyof AssetTypes>]: Name extends keyof AssetTypes
    ? AssetTypes[Name] extends { readonly keyTemplate: infer Template extends string }
      ? Template
      : Name extends keyof ShippedKeyTemplates
        ? ShippedKeyTemplates[Name]
        : string
    : Name extends keyof ShippedKeyTemplates
      ? ShippedKeyTemplates[Name]
      : never;
};

/** Without the types that are declared as `null`: those are taken away. */
type KeptNames<AssetTypes> = {
  [Name in keyof AssetTypes]: AssetTypes[Name] extends null ? never : Name;
}[keyof AssetTypes] &
  string;

/** Placeholders that Stowage fills itself. */
type OwnPlaceholder =
  | 'user_id'
  | 'tenant_id'
  | 'asset_type'
  | 'timestamp'
  | 'uuid'
  | 'uuid8'
  | 'filename'
  | 'name'
  | 'ext'
  | 'extension';

type Placeholders<Template extends string> = Template extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Placeholders<Rest>
  : never;

/** What a caller must give for the key of an asset type: every placeholder that Stowage does not fill itself. */
export type KeyFieldsOf<Template extends string> = string extends Template
  ? Readonly<Record<string, string>>
  : { readonly [Name in Exclude<Placeholders<Template>, OwnPlaceholder>]: string };

/** The property `fields` of a call: required when the key needs any, and when it is known that it does. */
export type WithKeyFields<Template extends string> = string extends Template
  ? { readonly fields?: KeyFieldsOf<Template> }
  : [Exclude<Placeholders<Template>, OwnPlaceholder>] extends [never]
    ? { readonly fields?: Readonly<Record<string, never>> }
    : { readonly fields: KeyFieldsOf<Template> };
