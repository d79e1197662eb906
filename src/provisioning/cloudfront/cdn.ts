import type { CloudFrontConfig } from '../../config/provisioning-config.ts';
import { toJson } from '../json.ts';
import { type ApplyContext, LATER, ProvisioningError, type Setting } from '../provider.ts';
import type { S3ProvisioningParts } from '../s3/parts.ts';
import { type CdnCalls, cdnName } from './calls.ts';
import { certificateSetting, findCertificate } from './certificate.ts';
import { headersPolicy, immutablePolicy, originAccess, publicPolicy, shortPolicy } from './contents.ts';
import { distributionSetting, findDistribution, waitUntilDeployed } from './distribution.ts';
import { keyIds, keysSetting, ownKeyIds, signingKeys } from './keys.ts';
import { cachePolicyKind, headersPolicyKind, keyGroupKind, originAccessKind } from './kinds.ts';
import { namedSetting } from './named.ts';

/** A distribution in front of a bucket, as a list of settings. */
export interface Cdn {
  readonly settings: readonly Setting[];
  /** What the bucket's policy lets in; null while there is no distribution. */
  distributionArn(): Promise<string | null>;
  destroy(context: ApplyContext): Promise<readonly string[]>;
  notes(): Promise<readonly string[]>;
}

/** Everything that a distribution consists of, in the order in which it can be made. */
export function cdnOf(parts: S3ProvisioningParts, cdn: CloudFrontConfig, calls: CdnCalls): Cdn {
  if (cdn.publicKeys.length === 0)
    throw new ProvisioningError(
      'provisioning.aws.cdn.publicKeys is empty: without a key private files would be open or shut for everybody.',
    );
  const name = cdnName(parts.bucket);
  const keys = signingKeys(name, cdn.publicKeys);
  const kinds = {
    access: originAccessKind(calls, name),
    keyGroup: keyGroupKind(calls, name),
    immutable: cachePolicyKind(calls, `${name}-immutable`),
    short: cachePolicyKind(calls, `${name}-short`),
    public: cachePolicyKind(calls, `${name}-public`),
    headers: headersPolicyKind(calls, name),
  };
  const idOf = async (kind: { find(): Promise<{ id: string } | undefined> }): Promise<string> =>
    (await kind.find())?.id ?? LATER;
  const refer = async () => ({
    originAccessId: await idOf(kinds.access),
    keyGroupId: await idOf(kinds.keyGroup),
    immutablePolicyId: await idOf(kinds.immutable),
    shortPolicyId: await idOf(kinds.short),
    publicPolicyId: await idOf(kinds.public),
    headersPolicyId: await idOf(kinds.headers),
    certificateArn: cdn.domain === null ? null : ((await findCertificate(calls, cdn.domain))?.arn ?? LATER),
  });
  return {
    settings: [
      namedSetting(kinds.access, {
        name: 'cdn_origin_access',
        protects: 'The bucket knows the distribution from strangers.',
        config: async () => originAccess(name, parts.bucket),
        view: toJson,
      }),
      keysSetting(calls, keys, parts.clock),
      namedSetting(kinds.keyGroup, {
        name: 'cdn_key_group',
        protects: 'URLs signed by your keys, and by no others, open private files.',
        config: async () => ({ Name: name, Items: [...(await ownKeyIds(calls, keys))] }),
        view: (config) => config.Items?.toSorted() ?? [],
      }),
      namedSetting(kinds.immutable, {
        name: 'cdn_cache_immutable',
        protects: 'Images are fetched once from the bucket.',
        config: async () => immutablePolicy(name),
        view: toJson,
      }),
      namedSetting(kinds.short, {
        name: 'cdn_cache_short',
        protects:
          'Other files are near their readers for an hour, and the signature is no part of their name.',
        config: async () => shortPolicy(name),
        view: toJson,
      }),
      namedSetting(kinds.public, {
        name: 'cdn_cache_public',
        protects: 'Public files are kept as long as they say, and nobody else says what type they have.',
        config: async () => publicPolicy(name),
        view: toJson,
      }),
      namedSetting(kinds.headers, {
        name: 'cdn_headers',
        protects: 'Nothing that is delivered may act in a browser.',
        config: async () => headersPolicy(name, parts.provisioning.corsOrigins),
        view: toJson,
      }),
      ...(cdn.domain === null ? [] : [certificateSetting(calls, cdn.domain)]),
      distributionSetting(parts, cdn, calls, refer),
    ],
    distributionArn: async () => (await findDistribution(calls, parts.bucket))?.arn ?? null,
    destroy: (context) => destroyCdn(parts, calls, kinds, keys, context),
    notes: () => notesOf(parts, cdn, calls, keys),
  };
}

async function destroyCdn(
  parts: S3ProvisioningParts,
  calls: CdnCalls,
  kinds: { readonly [name: string]: { find(): Promise<unknown>; remove(found: never): Promise<void> } },
  keys: ReturnType<typeof signingKeys>,
  context: ApplyContext,
): Promise<readonly string[]> {
  const { client, sdk } = calls;
  const found = await findDistribution(calls, parts.bucket);
  const removed: string[] = [];
  if (found !== undefined) {
    // Only a distribution that is switched off everywhere can be deleted.
    if (found.config.Enabled === true)
      await client.send(
        new sdk.UpdateDistributionCommand({
          ...{ Id: found.id, IfMatch: found.etag },
          DistributionConfig: { ...found.config, Enabled: false },
        }),
      );
    await waitUntilDeployed(calls, parts.bucket, context);
    const off = await findDistribution(calls, parts.bucket);
    if (off !== undefined)
      await client.send(new sdk.DeleteDistributionCommand({ Id: off.id, IfMatch: off.etag }));
    removed.push(`distribution ${found.id}`);
  }
  for (const kind of Object.values(kinds)) {
    const thing = await kind.find();
    if (thing !== undefined) await kind.remove(thing as never);
  }
  const ids = await keyIds(calls);
  for (const { name } of keys) {
    const Id = ids.get(name);
    if (Id === undefined) continue;
    const { ETag } = await client.send(new sdk.GetPublicKeyCommand({ Id }));
    await client.send(new sdk.DeletePublicKeyCommand({ Id, IfMatch: ETag }));
  }
  return removed;
}

async function notesOf(
  parts: S3ProvisioningParts,
  cdn: CloudFrontConfig,
  calls: CdnCalls,
  keys: ReturnType<typeof signingKeys>,
): Promise<readonly string[]> {
  const found = await findDistribution(calls, parts.bucket);
  if (found === undefined) return [];
  const [keyId] = await ownKeyIds(calls, keys);
  return [
    ...(parts.sse === 'aws:kms' && parts.kmsKeyId !== null
      ? [
          `Let the distribution decrypt: allow kms:Decrypt to cloudfront.amazonaws.com in the policy of ${parts.kmsKeyId}, with AWS:SourceArn ${found.arn}.`,
        ]
      : []),
    ...(cdn.domain === null ? [] : [`DNS: ${cdn.domain} CNAME ${found.domainName}`]),
    `Settings: CDN_URL=https://${cdn.domain ?? found.domainName} CDN_KEY_PAIR_ID=${keyId} CDN_DISTRIBUTION_ID=${found.id}, and CDN_PRIVATE_KEY_FILE=the private key.`,
  ];
}
