import { createHash } from 'node:crypto';
import type { Clock } from '../../core/clock.ts';
import { LATER, type Setting } from '../provider.ts';
import { allPages, type CdnCalls } from './calls.ts';

/** A public key as it is kept: keys never change, so each has a name of its own. */
export interface SigningKey {
  readonly name: string;
  readonly pem: string;
}

/** The first 8 digits of the key's hash tell one from another. */
export function signingKeys(name: string, publicKeys: readonly string[]): readonly SigningKey[] {
  return publicKeys.map((pem) => ({
    name: `${name}-${createHash('sha256').update(pem).digest('hex').slice(0, 8)}`,
    pem,
  }));
}

/** Ids of the keys that exist, by name. */
export async function keyIds({ client, sdk }: CdnCalls): Promise<ReadonlyMap<string, string>> {
  const items = await allPages(async (Marker) => {
    const { PublicKeyList: list } = await client.send(new sdk.ListPublicKeysCommand({ Marker }));
    return { items: list?.Items, next: list?.NextMarker };
  });
  return new Map(items.map(({ Name = '', Id = '' }) => [Name, Id]));
}

export function keysSetting(calls: CdnCalls, keys: readonly SigningKey[], clock: Clock): Setting {
  const names = keys.map(({ name }) => name);
  return {
    name: 'cdn_public_keys',
    protects: 'Signed URLs can be checked at the edge.',
    async read() {
      const ids = await keyIds(calls);
      const found = names.filter((name) => ids.has(name));
      return found.length === 0 && names.length > 0 ? undefined : found;
    },
    desired: async () => names,
    async apply() {
      const ids = await keyIds(calls);
      for (const { name, pem } of keys) {
        if (ids.has(name)) continue;
        // Never used twice, not even after a key is gone; one that exists is found by its name.
        const CallerReference = `${name}-${clock.now()}`;
        const PublicKeyConfig = { Name: name, EncodedKey: pem, CallerReference, Comment: 'Stowage' };
        await calls.client.send(new calls.sdk.CreatePublicKeyCommand({ PublicKeyConfig }));
      }
    },
  };
}

/** Ids of our keys, newest first; not yet known ones say so. */
export async function ownKeyIds(calls: CdnCalls, keys: readonly SigningKey[]): Promise<readonly string[]> {
  const ids = await keyIds(calls);
  return keys.map(({ name }) => ids.get(name) ?? LATER);
}
