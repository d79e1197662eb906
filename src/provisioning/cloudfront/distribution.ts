import type { CacheBehavior, DefaultCacheBehavior, DistributionConfig } from '@aws-sdk/client-cloudfront';
import type { CloudFrontConfig } from '../../config/provisioning-config.ts';
import { pause } from '../apply.ts';
import type { Json } from '../json.ts';
import { type ApplyContext, ProvisioningError, type Setting } from '../provider.ts';
import type { S3ProvisioningParts } from '../s3/parts.ts';
import { allPages, type CdnCalls } from './calls.ts';

/** A new or changed distribution takes minutes to reach every place; longest wait, in milliseconds. */
const DEPLOY_MS_MAX = 30 * 60_000;
const ORIGIN_ID = 'bucket';

/** What the distribution refers to, by id. */
export interface DistributionParts {
  readonly originAccessId: string;
  readonly keyGroupId: string;
  readonly immutablePolicyId: string;
  readonly shortPolicyId: string;
  readonly publicPolicyId: string;
  readonly headersPolicyId: string;
  /** Null without a domain of one's own. */
  readonly certificateArn: string | null;
}

export interface Distribution {
  readonly id: string;
  readonly arn: string;
  readonly domainName: string;
  readonly status: string;
  readonly etag: string;
  readonly config: DistributionConfig;
}

/** Finds the distribution of a bucket by its comment. */
export async function findDistribution(
  { client, sdk }: CdnCalls,
  bucket: string,
): Promise<Distribution | undefined> {
  const items = await allPages(async (Marker) => {
    const { DistributionList: list } = await client.send(new sdk.ListDistributionsCommand({ Marker }));
    return { items: list?.Items, next: list?.NextMarker };
  });
  const Id = items.find((item) => item.Comment === commentOf(bucket))?.Id;
  if (Id === undefined) return undefined;
  const { Distribution: found, ETag = '' } = await client.send(new sdk.GetDistributionCommand({ Id }));
  if (found?.DistributionConfig === undefined) return undefined;
  return {
    id: Id,
    arn: found.ARN ?? '',
    domainName: found.DomainName ?? '',
    status: found.Status ?? '',
    etag: ETag,
    config: found.DistributionConfig,
  };
}

function commentOf(bucket: string): string {
  return `Stowage: ${bucket}`;
}

/** The distribution in front of the bucket: only signed URLs, but for folders of public asset types. */
export function distributionSetting(
  parts: S3ProvisioningParts,
  cdn: CloudFrontConfig,
  calls: CdnCalls,
  refer: () => Promise<DistributionParts>,
): Setting {
  const wanted = async (): Promise<DistributionConfig> => distributionConfig(parts, cdn, await refer());
  return {
    name: 'cdn_distribution',
    protects: 'Files come from near their readers, by TLS 1.2 and newer, private ones by signed URLs only.',
    async read() {
      const found = await findDistribution(calls, parts.bucket);
      return found === undefined ? undefined : distributionJson(found.config);
    },
    desired: async () => distributionJson(await wanted()),
    async apply(_current, context) {
      const found = await findDistribution(calls, parts.bucket);
      const config = await wanted();
      if (found === undefined) await create(parts, calls, config);
      else {
        // What others set and we don't know stays, as do the fields that never change.
        const DistributionConfig = {
          ...found.config,
          ...config,
          CallerReference: found.config.CallerReference,
        };
        await calls.client.send(
          new calls.sdk.UpdateDistributionCommand({ Id: found.id, IfMatch: found.etag, DistributionConfig }),
        );
      }
      await waitUntilDeployed(calls, parts.bucket, context);
    },
  };
}

async function create(parts: S3ProvisioningParts, { client, sdk }: CdnCalls, config: DistributionConfig) {
  const { environment } = parts.provisioning;
  const Items = [
    { Key: 'application', Value: 'stowage' },
    { Key: 'environment', Value: environment },
  ];
  await client.send(
    new sdk.CreateDistributionWithTagsCommand({
      DistributionConfigWithTags: { DistributionConfig: config, Tags: { Items } },
    }),
  );
}

/** Waits until every place has the distribution as it is now. */
export async function waitUntilDeployed(
  calls: CdnCalls,
  bucket: string,
  { signal, progress }: ApplyContext,
): Promise<void> {
  const startMs = performance.now();
  for (let delayMs = 250; ; delayMs = Math.min(delayMs * 2, 15_000)) {
    const status = (await findDistribution(calls, bucket))?.status;
    if (status === 'Deployed') return;
    const waitedMs = performance.now() - startMs;
    progress(
      `Waiting ${Math.round(waitedMs / 1000)} s for the distribution to reach every place (${status})`,
    );
    if (waitedMs > DEPLOY_MS_MAX)
      throw new ProvisioningError('The distribution is still on its way: apply again later.');
    await pause(delayMs, signal);
  }
}

function distributionConfig(
  parts: S3ProvisioningParts,
  { domain, priceClass }: CloudFrontConfig,
  refer: DistributionParts,
): DistributionConfig {
  const behaviors = behaviorsOf(parts, refer);
  const isOwnDomain = domain !== null && refer.certificateArn !== null;
  return {
    // Never used twice, not even after a distribution is gone; one that exists is found by its comment.
    CallerReference: `stowage-${parts.bucket}-${parts.clock.now()}`,
    Comment: commentOf(parts.bucket),
    Enabled: true,
    IsIPV6Enabled: true,
    HttpVersion: 'http2and3',
    PriceClass: priceClass,
    Aliases: { Quantity: isOwnDomain ? 1 : 0, ...(isOwnDomain && { Items: [domain] }) },
    Origins: {
      Quantity: 1,
      Items: [
        {
          Id: ORIGIN_ID,
          DomainName: `${parts.bucket}.s3.${parts.region}.amazonaws.com`,
          OriginAccessControlId: refer.originAccessId,
          S3OriginConfig: { OriginAccessIdentity: '' },
        },
      ],
    },
    DefaultCacheBehavior: behavior(refer, { isImmutable: false, isPublic: false }),
    CacheBehaviors: { Quantity: behaviors.length, ...(behaviors.length > 0 && { Items: [...behaviors] }) },
    Restrictions: { GeoRestriction: { RestrictionType: 'none', Quantity: 0 } },
    // Without a domain of its own CloudFront offers its own certificate, whose oldest protocol can't be chosen.
    ViewerCertificate:
      isOwnDomain && refer.certificateArn !== null
        ? {
            ACMCertificateArn: refer.certificateArn,
            SSLSupportMethod: 'sni-only',
            MinimumProtocolVersion: 'TLSv1.2_2021',
          }
        : { CloudFrontDefaultCertificate: true },
  };
}

/** One behaviour for each folder that is not private and short-lived. */
function behaviorsOf(parts: S3ProvisioningParts, refer: DistributionParts): readonly CacheBehavior[] {
  return parts.delivery
    .filter(({ isImmutable, isPublic }) => isImmutable || isPublic)
    .map(({ prefix, ...kind }) => ({ PathPattern: `${prefix}*`, ...behavior(refer, kind) }));
}

function behavior(
  refer: DistributionParts,
  kind: { readonly isImmutable: boolean; readonly isPublic: boolean },
): DefaultCacheBehavior {
  return {
    TargetOriginId: ORIGIN_ID,
    ViewerProtocolPolicy: 'https-only',
    AllowedMethods: {
      Quantity: 2,
      Items: ['GET', 'HEAD'],
      CachedMethods: { Quantity: 2, Items: ['GET', 'HEAD'] },
    },
    Compress: false,
    CachePolicyId: cachePolicyOf(refer, kind),
    ResponseHeadersPolicyId: refer.headersPolicyId,
    TrustedKeyGroups: kind.isPublic
      ? { Enabled: false, Quantity: 0 }
      : { Enabled: true, Quantity: 1, Items: [refer.keyGroupId] },
  };
}

function cachePolicyOf(
  refer: DistributionParts,
  kind: { readonly isImmutable: boolean; readonly isPublic: boolean },
): string {
  if (kind.isPublic) return refer.publicPolicyId;
  return kind.isImmutable ? refer.immutablePolicyId : refer.shortPolicyId;
}

/** The part of a distribution that is ours, in one form. */
function distributionJson(config: DistributionConfig): Json {
  const [origin] = config.Origins?.Items ?? [];
  const certificate = config.ViewerCertificate;
  return {
    enabled: config.Enabled ?? false,
    ipv6: config.IsIPV6Enabled ?? false,
    http: (config.HttpVersion ?? '').toLowerCase(),
    price_class: config.PriceClass ?? '',
    aliases: config.Aliases?.Items?.toSorted() ?? [],
    origin: {
      domain: origin?.DomainName ?? '',
      access: origin?.OriginAccessControlId ?? '',
    },
    default: behaviorJson(config.DefaultCacheBehavior),
    folders: Object.fromEntries(
      (config.CacheBehaviors?.Items ?? []).map((each) => [each.PathPattern ?? '', behaviorJson(each)]),
    ),
    certificate: certificate?.ACMCertificateArn ?? 'that of CloudFront',
    tls: certificate?.ACMCertificateArn === undefined ? null : (certificate.MinimumProtocolVersion ?? null),
  };
}

function behaviorJson(each: DefaultCacheBehavior | undefined): Json {
  return {
    protocol: each?.ViewerProtocolPolicy ?? '',
    methods: each?.AllowedMethods?.Items?.toSorted() ?? [],
    cache: each?.CachePolicyId ?? '',
    headers: each?.ResponseHeadersPolicyId ?? '',
    signed_by:
      each?.TrustedKeyGroups?.Enabled === true ? (each.TrustedKeyGroups.Items?.toSorted() ?? []) : [],
  };
}
