import type {
  CachePolicyConfig,
  OriginAccessControlConfig,
  ResponseHeadersPolicyConfig,
} from '@aws-sdk/client-cloudfront';

const YEAR_SECONDS = 31_536_000;
const HOUR_SECONDS = 3_600;
const DAY_SECONDS = 86_400;
/** Whoever asks, and however, gets the same bytes. */
const ALL_THE_SAME = {
  EnableAcceptEncodingGzip: false,
  EnableAcceptEncodingBrotli: false,
  CookiesConfig: { CookieBehavior: 'none' },
  HeadersConfig: { HeaderBehavior: 'none' },
} as const;

export function originAccess(name: string, bucket: string): OriginAccessControlConfig {
  return {
    Name: name,
    Description: `Stowage: ${bucket}`,
    OriginAccessControlOriginType: 's3',
    SigningBehavior: 'always',
    SigningProtocol: 'sigv4',
  };
}

/**
 * Objects say "private" for browsers. CloudFront asks for a signature each time, so it may keep them: the least time says
 * so. Of the query only what changes the answer counts, never the signature.
 */
function cachePolicy(name: string, comment: string, seconds: readonly [number, number]): CachePolicyConfig {
  const parameters = ['response-content-disposition', 'response-content-type'];
  return {
    Name: name,
    Comment: comment,
    MinTTL: seconds[0],
    DefaultTTL: seconds[0],
    MaxTTL: seconds[1],
    ParametersInCacheKeyAndForwardedToOrigin: {
      ...ALL_THE_SAME,
      QueryStringsConfig: {
        QueryStringBehavior: 'whitelist',
        QueryStrings: { Quantity: parameters.length, Items: parameters },
      },
    },
  };
}

/**
 * What everybody may read is kept as long as it says itself. Nothing of the query reaches the bucket: it would let a
 * stranger say what type a file has.
 */
export function publicPolicy(name: string): CachePolicyConfig {
  const policy = cachePolicy(`${name}-public`, 'Stowage: public files, as they say', [0, YEAR_SECONDS]);
  return {
    ...policy,
    DefaultTTL: 300,
    ParametersInCacheKeyAndForwardedToOrigin: {
      ...ALL_THE_SAME,
      QueryStringsConfig: { QueryStringBehavior: 'none' },
    },
  };
}

export function immutablePolicy(name: string): CachePolicyConfig {
  const comment = 'Stowage: images never change under their name';
  return cachePolicy(`${name}-immutable`, comment, [YEAR_SECONDS, YEAR_SECONDS]);
}

export function shortPolicy(name: string): CachePolicyConfig {
  return cachePolicy(`${name}-short`, 'Stowage: videos and documents, an hour', [HOUR_SECONDS, DAY_SECONDS]);
}

/** Nothing that is delivered may act, whatever its content. */
export function headersPolicy(name: string, origins: readonly string[]): ResponseHeadersPolicyConfig {
  const custom = [
    { Header: 'X-Robots-Tag', Value: 'noindex, nofollow', Override: true },
    { Header: 'Cross-Origin-Resource-Policy', Value: 'cross-origin', Override: true },
  ];
  const list = (...Items: readonly string[]) => ({ Quantity: Items.length, Items: [...Items] });
  return {
    Name: name,
    Comment: 'Stowage: nothing that is delivered may act',
    SecurityHeadersConfig: {
      ContentTypeOptions: { Override: true },
      ContentSecurityPolicy: {
        Override: true,
        ContentSecurityPolicy:
          "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; sandbox",
      },
      StrictTransportSecurity: {
        Override: true,
        AccessControlMaxAgeSec: 2 * YEAR_SECONDS,
        IncludeSubdomains: false,
      },
      ReferrerPolicy: { Override: true, ReferrerPolicy: 'no-referrer' },
    },
    CustomHeadersConfig: { Quantity: custom.length, Items: custom },
    ...(origins.length > 0 && {
      CorsConfig: {
        AccessControlAllowCredentials: false,
        OriginOverride: true,
        AccessControlMaxAgeSec: HOUR_SECONDS,
        AccessControlAllowOrigins: list(...origins),
        AccessControlAllowMethods: { Quantity: 2, Items: ['GET', 'HEAD'] },
        AccessControlAllowHeaders: list('*'),
        AccessControlExposeHeaders: list('ETag'),
      },
    }),
  };
}
