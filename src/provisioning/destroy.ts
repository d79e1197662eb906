import type { ApplyContext, Contents, Provider } from './provider.ts';

/** What `destroy` did, or why it did nothing. */
export type Destroyed =
  | { readonly kind: 'refused'; readonly reason: string; readonly contents: Contents }
  | { readonly kind: 'done'; readonly removed: readonly string[] };

export interface DestroyOptions extends ApplyContext {
  /** Go on although there are objects; only together with the right name. */
  readonly force: boolean;
  /** The bucket's name as the operator typed it; null when not given. */
  readonly typedBucket: string | null;
  /** Asked last. @returns whether to go on. */
  readonly confirm: (contents: Contents) => Promise<boolean>;
}

/** Takes away what `apply` made. A store with objects in it goes only when its name is typed and force is given. */
export async function destroyProvisioning(provider: Provider, options: DestroyOptions): Promise<Destroyed> {
  const contents = await provider.contents(options.signal);
  const refuse = (reason: string): Destroyed => ({ kind: 'refused', reason, contents });
  if (options.typedBucket !== null && options.typedBucket !== provider.bucket)
    return refuse(`--bucket names ${options.typedBucket}, but the settings name ${provider.bucket}.`);
  // What was looked at may all be our own while there is more behind it that nobody has looked at.
  if (contents.objects > 0 || contents.hasMore) {
    const count = `${contents.hasMore ? 'more than ' : ''}${contents.objects}`;
    if (!options.force || options.typedBucket === null)
      return refuse(
        `${provider.bucket} holds ${count} objects or versions. To lose them, give both --force and --bucket ${provider.bucket}.`,
      );
  }
  if (!(await options.confirm(contents))) return refuse('Not agreed.');
  const { force, signal, progress } = options;
  return { kind: 'done', removed: await provider.destroy({ force, signal, progress }) };
}
