import type { Json } from '../json.ts';
import type { Setting } from '../provider.ts';

/** Something of CloudFront that is found by its name. */
export interface Found<Config> {
  readonly id: string;
  /** What an update must name, so that nobody's change is lost. */
  readonly etag: string;
  readonly config: Config;
}

/** One kind of thing with a name, a configuration and a version. */
export interface NamedKind<Config> {
  find(): Promise<Found<Config> | undefined>;
  create(config: Config): Promise<void>;
  update(found: Found<Config>, config: Config): Promise<void>;
  remove(found: Found<Config>): Promise<void>;
}

/** A setting that is one named thing. */
export function namedSetting<Config>(
  kind: NamedKind<Config>,
  about: {
    readonly name: string;
    readonly protects: string;
    readonly config: () => Promise<Config>;
    /** The part of a configuration that is ours, in one form. */
    readonly view: (config: Config) => Json;
  },
): Setting {
  return {
    name: about.name,
    protects: about.protects,
    async read() {
      const found = await kind.find();
      return found === undefined ? undefined : about.view(found.config);
    },
    desired: async () => about.view(await about.config()),
    async apply() {
      const [found, config] = [await kind.find(), await about.config()];
      if (found === undefined) await kind.create(config);
      else await kind.update(found, config);
    },
  };
}
