import type { LifecycleConfig } from '../../config/provisioning-config.ts';
import { type Json, toJson } from '../json.ts';
import type { Setting } from '../provider.ts';
import type { Management } from './management.ts';

/** A rule of a management policy. */
export interface LifecycleRule {
  readonly name: string;
  readonly enabled: boolean;
  readonly type: 'Lifecycle';
  readonly definition: {
    readonly filters: { readonly blobTypes: readonly string[]; readonly prefixMatch: readonly string[] };
    readonly actions: { readonly [of: string]: Json };
  };
}

interface ManagementPolicy {
  readonly properties?: { readonly policy?: { readonly rules?: readonly LifecycleRule[] } };
}

const PLACE = '/managementPolicies/default';

/**
 * The rules of one container. Blocks that no blob was made of go after a week by themselves; nothing to set there.
 *
 * @see https://learn.microsoft.com/azure/storage/blobs/lifecycle-management-policy-structure
 */
export function containerLifecycle(container: string, days: LifecycleConfig): readonly LifecycleRule[] {
  const rule = (name: string, prefix: string, actions: { readonly [of: string]: Json }): LifecycleRule => ({
    name: `${ownPrefix(container)}${name}`,
    enabled: true,
    type: 'Lifecycle',
    definition: { filters: { blobTypes: ['blockBlob'], prefixMatch: [`${container}/${prefix}`] }, actions },
  });
  const after = (count: number): Json => ({ daysAfterCreationGreaterThan: count });
  const { oldVersionsRareDays, oldVersionsArchiveDays, oldVersionsDeleteDays } = days;
  const version = {
    ...(oldVersionsRareDays !== null && { tierToCool: after(oldVersionsRareDays) }),
    ...(oldVersionsArchiveDays !== null && { tierToArchive: after(oldVersionsArchiveDays) }),
    ...(oldVersionsDeleteDays !== null && { delete: after(oldVersionsDeleteDays) }),
  };
  return [
    rule('incoming', 'incoming/', {
      baseBlob: { delete: { daysAfterModificationGreaterThan: days.expireIncomingDays } },
      version: { delete: after(days.expireIncomingDays) },
    }),
    ...(Object.keys(version).length === 0 ? [] : [rule('versions', '', { version })]),
  ];
}

/** Rule names have letters and digits only. */
function ownPrefix(container: string): string {
  return `stowage${container.replaceAll('-', '')}`;
}

/** The policy is the account's: rules of others stay as they are. */
export function lifecycleSetting(
  container: string,
  rules: readonly LifecycleRule[],
  management: Management,
): Setting {
  const isOwn = ({ name }: LifecycleRule): boolean => name.startsWith(ownPrefix(container));
  const readAll = async (signal: AbortSignal): Promise<readonly LifecycleRule[]> =>
    (await management.get<ManagementPolicy>(PLACE, signal))?.properties?.policy?.rules ?? [];
  return {
    name: 'lifecycle',
    protects: 'Nothing that nobody needs is paid for for ever: given-up uploads, old versions.',
    async read(signal) {
      const own = (await readAll(signal)).filter(isOwn);
      return own.length === 0 ? undefined : byName(own);
    },
    desired: async () => byName(rules),
    async apply(_current, { signal }) {
      const others = (await readAll(signal)).filter((rule) => !isOwn(rule));
      await management.send(
        'PUT',
        PLACE,
        { properties: { policy: { rules: [...others, ...rules] } } },
        signal,
      );
    },
  };
}

/** Takes the rules of one container out of the account's policy. */
export async function removeRules(
  container: string,
  management: Management,
  signal: AbortSignal,
): Promise<void> {
  const all = (await management.get<ManagementPolicy>(PLACE, signal))?.properties?.policy?.rules ?? [];
  const others = all.filter(({ name }) => !name.startsWith(ownPrefix(container)));
  if (others.length === all.length) return;
  // A policy without rules is refused.
  if (others.length === 0) await management.send('DELETE', PLACE, null, signal);
  else await management.send('PUT', PLACE, { properties: { policy: { rules: others } } }, signal);
}

function byName(rules: readonly LifecycleRule[]): Json {
  return Object.fromEntries(
    rules.map(({ name, enabled, definition }) => [name, { enabled, ...(toJson(definition) as object) }]),
  );
}
