import type {
  CachePolicyConfig,
  KeyGroupConfig,
  OriginAccessControlConfig,
  ResponseHeadersPolicyConfig,
} from '@aws-sdk/client-cloudfront';
import { allPages, type CdnCalls } from './calls.ts';
import type { NamedKind } from './named.ts';

/** Who CloudFront is to the bucket. */
export function originAccessKind(
  { client, sdk }: CdnCalls,
  name: string,
): NamedKind<OriginAccessControlConfig> {
  return {
    async find() {
      const items = await allPages(async (Marker) => {
        const { OriginAccessControlList: list } = await client.send(
          new sdk.ListOriginAccessControlsCommand({ Marker }),
        );
        return { items: list?.Items, next: list?.NextMarker };
      });
      const Id = items.find((item) => item.Name === name)?.Id;
      if (Id === undefined) return undefined;
      const answer = await client.send(new sdk.GetOriginAccessControlCommand({ Id }));
      const config = answer.OriginAccessControl?.OriginAccessControlConfig;
      return config === undefined ? undefined : { id: Id, etag: answer.ETag ?? '', config };
    },
    async create(config) {
      await client.send(new sdk.CreateOriginAccessControlCommand({ OriginAccessControlConfig: config }));
    },
    async update({ id: Id, etag: IfMatch }, config) {
      const OriginAccessControlConfig = config;
      await client.send(new sdk.UpdateOriginAccessControlCommand({ Id, IfMatch, OriginAccessControlConfig }));
    },
    async remove({ id: Id, etag: IfMatch }) {
      await client.send(new sdk.DeleteOriginAccessControlCommand({ Id, IfMatch }));
    },
  };
}

/** The keys whose signatures open private content. */
export function keyGroupKind({ client, sdk }: CdnCalls, name: string): NamedKind<KeyGroupConfig> {
  return {
    async find() {
      const items = await allPages(async (Marker) => {
        const { KeyGroupList: list } = await client.send(new sdk.ListKeyGroupsCommand({ Marker }));
        return { items: list?.Items, next: list?.NextMarker };
      });
      const Id = items.find((item) => item.KeyGroup?.KeyGroupConfig?.Name === name)?.KeyGroup?.Id;
      if (Id === undefined) return undefined;
      const answer = await client.send(new sdk.GetKeyGroupCommand({ Id }));
      const config = answer.KeyGroup?.KeyGroupConfig;
      return config === undefined ? undefined : { id: Id, etag: answer.ETag ?? '', config };
    },
    async create(config) {
      await client.send(new sdk.CreateKeyGroupCommand({ KeyGroupConfig: config }));
    },
    async update({ id: Id, etag: IfMatch }, config) {
      await client.send(new sdk.UpdateKeyGroupCommand({ Id, IfMatch, KeyGroupConfig: config }));
    },
    async remove({ id: Id, etag: IfMatch }) {
      await client.send(new sdk.DeleteKeyGroupCommand({ Id, IfMatch }));
    },
  };
}

/** How long one kind of file is kept at the edge. */
export function cachePolicyKind({ client, sdk }: CdnCalls, name: string): NamedKind<CachePolicyConfig> {
  return {
    async find() {
      const items = await allPages(async (Marker) => {
        const { CachePolicyList: list } = await client.send(
          new sdk.ListCachePoliciesCommand({ Type: 'custom', Marker }),
        );
        return { items: list?.Items, next: list?.NextMarker };
      });
      const Id = items.find((item) => item.CachePolicy?.CachePolicyConfig?.Name === name)?.CachePolicy?.Id;
      if (Id === undefined) return undefined;
      const answer = await client.send(new sdk.GetCachePolicyCommand({ Id }));
      const config = answer.CachePolicy?.CachePolicyConfig;
      return config === undefined ? undefined : { id: Id, etag: answer.ETag ?? '', config };
    },
    async create(config) {
      await client.send(new sdk.CreateCachePolicyCommand({ CachePolicyConfig: config }));
    },
    async update({ id: Id, etag: IfMatch }, config) {
      await client.send(new sdk.UpdateCachePolicyCommand({ Id, IfMatch, CachePolicyConfig: config }));
    },
    async remove({ id: Id, etag: IfMatch }) {
      await client.send(new sdk.DeleteCachePolicyCommand({ Id, IfMatch }));
    },
  };
}

/** What is added to every answer. */
export function headersPolicyKind(
  { client, sdk }: CdnCalls,
  name: string,
): NamedKind<ResponseHeadersPolicyConfig> {
  return {
    async find() {
      const items = await allPages(async (Marker) => {
        const { ResponseHeadersPolicyList: list } = await client.send(
          new sdk.ListResponseHeadersPoliciesCommand({ Type: 'custom', Marker }),
        );
        return { items: list?.Items, next: list?.NextMarker };
      });
      const Id = items.find((item) => item.ResponseHeadersPolicy?.ResponseHeadersPolicyConfig?.Name === name)
        ?.ResponseHeadersPolicy?.Id;
      if (Id === undefined) return undefined;
      const answer = await client.send(new sdk.GetResponseHeadersPolicyCommand({ Id }));
      const config = answer.ResponseHeadersPolicy?.ResponseHeadersPolicyConfig;
      return config === undefined ? undefined : { id: Id, etag: answer.ETag ?? '', config };
    },
    async create(config) {
      await client.send(new sdk.CreateResponseHeadersPolicyCommand({ ResponseHeadersPolicyConfig: config }));
    },
    async update({ id: Id, etag: IfMatch }, config) {
      const ResponseHeadersPolicyConfig = config;
      await client.send(
        new sdk.UpdateResponseHeadersPolicyCommand({ Id, IfMatch, ResponseHeadersPolicyConfig }),
      );
    },
    async remove({ id: Id, etag: IfMatch }) {
      await client.send(new sdk.DeleteResponseHeadersPolicyCommand({ Id, IfMatch }));
    },
  };
}
