import type { Shape } from './xml.ts';

const listOf = (name: string): Shape => ({ 'Quantity!': 'text', Items: { [`${name}*`]: 'text' } });
const OVERRIDE: Shape = { 'Override!': 'text' };

const BEHAVIOR: { readonly [name: string]: Shape } = {
  'TargetOriginId!': 'text',
  'ViewerProtocolPolicy!': 'text',
  AllowedMethods: { 'Quantity!': 'text', 'Items!': { 'Method*': 'text' }, CachedMethods: listOf('Method') },
  Compress: 'text',
  'CachePolicyId!': 'text',
  OriginRequestPolicyId: 'text',
  ResponseHeadersPolicyId: 'text',
  TrustedKeyGroups: { 'Enabled!': 'text', 'Quantity!': 'text', Items: { 'KeyGroup*': 'text' } },
  SmoothStreaming: 'text',
  FieldLevelEncryptionId: 'text',
};

const DISTRIBUTION: Shape = {
  'CallerReference!': 'text',
  'Comment!': 'text',
  'Enabled!': 'text',
  Aliases: listOf('CNAME'),
  DefaultRootObject: 'text',
  'Origins!': {
    'Quantity!': 'text',
    'Items!': {
      'Origin*': {
        'Id!': 'text',
        'DomainName!': 'text',
        OriginPath: 'text',
        OriginAccessControlId: 'text',
        S3OriginConfig: { OriginAccessIdentity: 'text' },
      },
    },
  },
  'DefaultCacheBehavior!': BEHAVIOR,
  CacheBehaviors: {
    'Quantity!': 'text',
    Items: { 'CacheBehavior*': { 'PathPattern!': 'text', ...BEHAVIOR } },
  },
  PriceClass: 'text',
  HttpVersion: 'text',
  IsIPV6Enabled: 'text',
  Restrictions: {
    GeoRestriction: { 'RestrictionType!': 'text', 'Quantity!': 'text', Items: { 'Location*': 'text' } },
  },
  ViewerCertificate: {
    CloudFrontDefaultCertificate: 'text',
    ACMCertificateArn: 'text',
    SSLSupportMethod: 'text',
    MinimumProtocolVersion: 'text',
  },
  WebACLId: 'text',
};

/** One kind of thing: its element, its list and what a configuration may hold. */
export interface CloudFrontKind {
  /** Name of the element, for example `KeyGroup`. */
  readonly name: string;
  readonly prefix: string;
  /** Whether changes go to `/{id}/config` instead of `/{id}`. */
  readonly hasConfigPath: boolean;
  readonly config: string;
  readonly shape: Shape;
  /** Code of the answer when an id is unknown. */
  readonly missingCode: string;
}

/** Kinds by the first part of their path. @see https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_Operations.html */
export const KINDS: Readonly<Record<string, CloudFrontKind>> = {
  'origin-access-control': {
    name: 'OriginAccessControl',
    prefix: 'EOAC',
    hasConfigPath: true,
    config: 'OriginAccessControlConfig',
    shape: {
      'Name!': 'text',
      Description: 'text',
      'SigningProtocol!': 'text',
      'SigningBehavior!': 'text',
      'OriginAccessControlOriginType!': 'text',
    },
    missingCode: 'NoSuchOriginAccessControl',
  },
  'public-key': {
    name: 'PublicKey',
    prefix: 'K',
    hasConfigPath: true,
    config: 'PublicKeyConfig',
    shape: { 'CallerReference!': 'text', 'Name!': 'text', 'EncodedKey!': 'text', Comment: 'text' },
    missingCode: 'NoSuchPublicKey',
  },
  'key-group': {
    name: 'KeyGroup',
    prefix: 'KG',
    hasConfigPath: false,
    config: 'KeyGroupConfig',
    shape: { 'Name!': 'text', 'Items!': { 'PublicKey*': 'text' }, Comment: 'text' },
    missingCode: 'NoSuchResource',
  },
  'cache-policy': {
    name: 'CachePolicy',
    prefix: 'CP',
    hasConfigPath: false,
    config: 'CachePolicyConfig',
    shape: {
      'Name!': 'text',
      Comment: 'text',
      'MinTTL!': 'text',
      DefaultTTL: 'text',
      MaxTTL: 'text',
      ParametersInCacheKeyAndForwardedToOrigin: {
        'EnableAcceptEncodingGzip!': 'text',
        EnableAcceptEncodingBrotli: 'text',
        'HeadersConfig!': { 'HeaderBehavior!': 'text', Headers: listOf('Name') },
        'CookiesConfig!': { 'CookieBehavior!': 'text', Cookies: listOf('Name') },
        'QueryStringsConfig!': { 'QueryStringBehavior!': 'text', QueryStrings: listOf('Name') },
      },
    },
    missingCode: 'NoSuchCachePolicy',
  },
  'response-headers-policy': {
    name: 'ResponseHeadersPolicy',
    prefix: 'RHP',
    hasConfigPath: false,
    config: 'ResponseHeadersPolicyConfig',
    shape: {
      'Name!': 'text',
      Comment: 'text',
      SecurityHeadersConfig: {
        ContentTypeOptions: OVERRIDE,
        ContentSecurityPolicy: { 'Override!': 'text', 'ContentSecurityPolicy!': 'text' },
        StrictTransportSecurity: {
          'Override!': 'text',
          'AccessControlMaxAgeSec!': 'text',
          IncludeSubdomains: 'text',
          Preload: 'text',
        },
        ReferrerPolicy: { 'Override!': 'text', 'ReferrerPolicy!': 'text' },
        FrameOptions: { 'Override!': 'text', 'FrameOption!': 'text' },
      },
      CustomHeadersConfig: {
        'Quantity!': 'text',
        Items: {
          'ResponseHeadersPolicyCustomHeader*': { 'Header!': 'text', 'Value!': 'text', 'Override!': 'text' },
        },
      },
      CorsConfig: {
        'AccessControlAllowCredentials!': 'text',
        'OriginOverride!': 'text',
        AccessControlMaxAgeSec: 'text',
        'AccessControlAllowOrigins!': listOf('Origin'),
        'AccessControlAllowMethods!': listOf('Method'),
        'AccessControlAllowHeaders!': listOf('Header'),
        AccessControlExposeHeaders: listOf('Header'),
      },
    },
    missingCode: 'NoSuchResponseHeadersPolicy',
  },
  distribution: {
    name: 'Distribution',
    prefix: 'E',
    hasConfigPath: true,
    config: 'DistributionConfig',
    shape: DISTRIBUTION,
    missingCode: 'NoSuchDistribution',
  },
};
