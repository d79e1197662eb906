import type { IAMClient } from '@aws-sdk/client-iam';
import type { AwsIdentityConfig } from '../../config/provisioning-config.ts';
import { neededActions } from '../../storage/s3/operations.ts';
import type { Json } from '../json.ts';
import { loadSdk } from '../load-sdk.ts';
import type { Setting } from '../provider.ts';
import type { AwsKeySource, S3ProvisioningParts } from './parts.ts';
import { bucketArn, type PolicyDocument, partitionOf, policyJson } from './policy.ts';

export interface IamCalls {
  readonly sdk: typeof import('@aws-sdk/client-iam');
  readonly client: IAMClient;
}

/** Name of the policy inside the role or user. */
export const POLICY_NAME = 'stowage-backend';

/** Loads the official client. @throws ProvisioningError when it is not installed. */
export async function openIamCalls(parts: S3ProvisioningParts, keys: AwsKeySource): Promise<IamCalls> {
  const sdk = await loadSdk('@aws-sdk/client-iam', () => import('@aws-sdk/client-iam'));
  const client = new sdk.IAMClient({
    // IAM is one for the whole partition; its endpoint follows from any region of it.
    region: parts.region,
    ...(parts.controlEndpoint !== null && { endpoint: parts.controlEndpoint }),
    ...(keys !== null && { credentials: keys }),
    maxAttempts: 4,
    requestHandler: { requestTimeout: 30_000, connectionTimeout: 5_000 },
  });
  return { sdk, client };
}

/**
 * The policy of the backend's identity: what the table of operations needs, on this bucket and key only.
 *
 * @param distributionArn of the distribution in which deletes are made known; null without one.
 */
export function identityPolicy(
  parts: Pick<S3ProvisioningParts, 'bucket' | 'region' | 'sse' | 'kmsKeyId'>,
  distributionArn: string | null,
): PolicyDocument {
  const arn = bucketArn(parts.bucket, parts.region);
  const actions = neededActions();
  return {
    Version: '2012-10-17',
    Statement: [
      { Sid: 'StowageBucket', Effect: 'Allow', Action: actions.bucket, Resource: arn },
      { Sid: 'StowageObjects', Effect: 'Allow', Action: actions.objects, Resource: `${arn}/*` },
      ...keyStatement(parts),
      ...(distributionArn === null
        ? []
        : [
            {
              Sid: 'StowageInvalidates',
              Effect: 'Allow',
              Action: 'cloudfront:CreateInvalidation',
              Resource: distributionArn,
            } as const,
          ]),
    ],
  };
}

/** The account's default key (`aws/s3`) needs no grant: its own policy lets S3 use it for whoever may use S3. */
function keyStatement(
  parts: Pick<S3ProvisioningParts, 'region' | 'sse' | 'kmsKeyId'>,
): PolicyDocument['Statement'] {
  const { sse, kmsKeyId, region } = parts;
  if (sse !== 'aws:kms' || kmsKeyId === null) return [];
  const isAlias = kmsKeyId.startsWith('alias/');
  const Resource = kmsKeyId.startsWith('arn:')
    ? kmsKeyId
    : `arn:${partitionOf(region)}:kms:${region}:*:key/${isAlias ? '*' : kmsKeyId}`;
  return [
    {
      Sid: 'StowageKey',
      Effect: 'Allow',
      Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
      Resource,
      Condition: {
        StringEquals: { 'kms:ViaService': `s3.${region}.amazonaws.com` },
        ...(isAlias && { 'ForAnyValue:StringEquals': { 'kms:ResourceAliases': kmsKeyId } }),
      },
    },
  ];
}

/** Who may take the role. */
export function trustPolicy({ trustedService }: AwsIdentityConfig): PolicyDocument {
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Sid: 'StowageBackend',
        Effect: 'Allow',
        Principal: { Service: trustedService },
        Action: 'sts:AssumeRole',
      },
    ],
  };
}

/** ARN of the identity; null while it does not exist. */
export async function identityArn(
  { client, sdk }: IamCalls,
  { kind, name }: AwsIdentityConfig,
): Promise<string | null> {
  const answer =
    kind === 'role'
      ? (await unlessMissing(client.send(new sdk.GetRoleCommand({ RoleName: name }))))?.Role
      : (await unlessMissing(client.send(new sdk.GetUserCommand({ UserName: name }))))?.User;
  return answer?.Arn ?? null;
}

/** The role or user that the backend runs as. */
export function identitySetting({ client, sdk }: IamCalls, identity: AwsIdentityConfig): Setting {
  const { kind, name } = identity;
  const trust = trustPolicy(identity);
  const desired: Json = { [kind]: name, ...(kind === 'role' && { trust: policyJson(trust) }) };
  return {
    name: 'identity',
    protects: 'The backend has an identity of its own, and nobody else can take it.',
    async read() {
      if (kind === 'user') {
        const answer = await unlessMissing(client.send(new sdk.GetUserCommand({ UserName: name })));
        return answer === undefined ? undefined : { user: name };
      }
      const answer = await unlessMissing(client.send(new sdk.GetRoleCommand({ RoleName: name })));
      if (answer === undefined) return undefined;
      const document = decodeURIComponent(answer.Role?.AssumeRolePolicyDocument ?? '%7B%7D');
      return { role: name, trust: policyJson(document) };
    },
    desired: async () => desired,
    async apply(current) {
      const AssumeRolePolicyDocument = trust;
      const PolicyDocument = JSON.stringify(AssumeRolePolicyDocument);
      if (kind === 'user') await client.send(new sdk.CreateUserCommand({ UserName: name }));
      else if (current === undefined)
        await client.send(
          new sdk.CreateRoleCommand({
            RoleName: name,
            AssumeRolePolicyDocument: PolicyDocument,
            Description: 'Stowage: stores and reads files in its bucket',
          }),
        );
      else await client.send(new sdk.UpdateAssumeRolePolicyCommand({ RoleName: name, PolicyDocument }));
    },
  };
}

/** The one policy of the identity. */
export function identityPolicySetting(
  { client, sdk }: IamCalls,
  { kind, name }: AwsIdentityConfig,
  document: () => Promise<PolicyDocument>,
): Setting {
  return {
    name: 'identity_policy',
    protects: 'The backend can do what it does, in its bucket and with its key, and nothing else.',
    async read() {
      const answer = await unlessMissing<{ PolicyDocument?: string | undefined }>(
        kind === 'role'
          ? client.send(new sdk.GetRolePolicyCommand({ RoleName: name, PolicyName: POLICY_NAME }))
          : client.send(new sdk.GetUserPolicyCommand({ UserName: name, PolicyName: POLICY_NAME })),
      );
      return answer?.PolicyDocument === undefined
        ? undefined
        : policyJson(decodeURIComponent(answer.PolicyDocument));
    },
    desired: async () => policyJson(await document()),
    async apply() {
      const PolicyDocument = JSON.stringify(await document());
      if (kind === 'role')
        await client.send(
          new sdk.PutRolePolicyCommand({ RoleName: name, PolicyName: POLICY_NAME, PolicyDocument }),
        );
      else
        await client.send(
          new sdk.PutUserPolicyCommand({ UserName: name, PolicyName: POLICY_NAME, PolicyDocument }),
        );
    },
  };
}

/** Removes the identity. One that others gave more policies or keys to is refused by IAM, and stays. */
export async function removeIdentity(
  { client, sdk }: IamCalls,
  { kind, name }: AwsIdentityConfig,
): Promise<boolean> {
  if (kind === 'role') {
    await unlessMissing(
      client.send(new sdk.DeleteRolePolicyCommand({ RoleName: name, PolicyName: POLICY_NAME })),
    );
    return (await unlessMissing(client.send(new sdk.DeleteRoleCommand({ RoleName: name })))) !== undefined;
  }
  await unlessMissing(
    client.send(new sdk.DeleteUserPolicyCommand({ UserName: name, PolicyName: POLICY_NAME })),
  );
  return (await unlessMissing(client.send(new sdk.DeleteUserCommand({ UserName: name })))) !== undefined;
}

async function unlessMissing<Answer>(call: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof Error && /^NoSuchEntity/.test(error.name)) return undefined;
    throw error;
  }
}
