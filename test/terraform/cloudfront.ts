import type { Json } from '../../src/provisioning/json.ts';
import { all, type Block, type Evaluated, only, type Value } from './evaluate.ts';

/** What the module makes of CloudFront, setting by setting, in the shape of `stowage provision plan`. */
export function settingsOfCloudFront({ resources }: Evaluated): Readonly<Record<string, Json>> {
  const one = (name: string): Block => only(resources.get(name) as never);
  const certificates = resources.get('aws_acm_certificate.cdn') ?? [];
  const access = one('aws_cloudfront_origin_access_control.files');
  return {
    cdn_origin_access: {
      Name: json(access.name),
      Description: json(access.description),
      OriginAccessControlOriginType: json(access.origin_access_control_origin_type),
      SigningBehavior: json(access.signing_behavior),
      SigningProtocol: json(access.signing_protocol),
    },
    cdn_public_keys: (resources.get('aws_cloudfront_public_key.signing') ?? []).map(({ name }) => json(name)),
    cdn_key_group: json(one('aws_cloudfront_key_group.signing').items),
    cdn_cache_immutable: cachePolicy(one('aws_cloudfront_cache_policy.immutable')),
    cdn_cache_short: cachePolicy(one('aws_cloudfront_cache_policy.short')),
    cdn_cache_public: cachePolicy(one('aws_cloudfront_cache_policy.public')),
    cdn_headers: headers(one('aws_cloudfront_response_headers_policy.files')),
    ...(certificates.length > 0 && {
      // The module waits for it, so what it leaves behind is issued.
      cdn_certificate: { domain: json(certificates[0]?.domain_name), status: 'ISSUED' },
    }),
    cdn_distribution: distribution(one('aws_cloudfront_distribution.files')),
  };
}

function json(value: Value | undefined): Json {
  return (value ?? null) as Json;
}

function list(items: Value | undefined): Json {
  const values = (items ?? []) as readonly Json[];
  return { Quantity: values.length, Items: values };
}

function cachePolicy(block: Block): Json {
  const inKey = only(block.parameters_in_cache_key_and_forwarded_to_origin);
  const query = only(inKey.query_strings_config);
  return {
    Name: json(block.name),
    Comment: json(block.comment),
    MinTTL: json(block.min_ttl),
    DefaultTTL: json(block.default_ttl),
    MaxTTL: json(block.max_ttl),
    ParametersInCacheKeyAndForwardedToOrigin: {
      EnableAcceptEncodingGzip: json(inKey.enable_accept_encoding_gzip),
      EnableAcceptEncodingBrotli: json(inKey.enable_accept_encoding_brotli),
      CookiesConfig: { CookieBehavior: json(only(inKey.cookies_config).cookie_behavior) },
      HeadersConfig: { HeaderBehavior: json(only(inKey.headers_config).header_behavior) },
      QueryStringsConfig: {
        QueryStringBehavior: json(query.query_string_behavior),
        ...(query.query_strings !== undefined && { QueryStrings: list(only(query.query_strings).items) }),
      },
    },
  };
}

function headers(block: Block): Json {
  const security = only(block.security_headers_config);
  const csp = only(security.content_security_policy);
  const tls = only(security.strict_transport_security);
  const referrer = only(security.referrer_policy);
  const custom = all(only(block.custom_headers_config).items).map((item) => ({
    Header: json(item.header),
    Value: json(item.value),
    Override: json(item.override),
  }));
  const [cors] = all(block.cors_config);
  return {
    Name: json(block.name),
    Comment: json(block.comment),
    SecurityHeadersConfig: {
      ContentTypeOptions: { Override: json(only(security.content_type_options).override) },
      ContentSecurityPolicy: {
        Override: json(csp.override),
        ContentSecurityPolicy: json(csp.content_security_policy),
      },
      StrictTransportSecurity: {
        Override: json(tls.override),
        AccessControlMaxAgeSec: json(tls.access_control_max_age_sec),
        IncludeSubdomains: json(tls.include_subdomains),
      },
      ReferrerPolicy: { Override: json(referrer.override), ReferrerPolicy: json(referrer.referrer_policy) },
    },
    CustomHeadersConfig: { Quantity: custom.length, Items: custom },
    ...(cors && {
      CorsConfig: {
        AccessControlAllowCredentials: json(cors.access_control_allow_credentials),
        OriginOverride: json(cors.origin_override),
        AccessControlMaxAgeSec: json(cors.access_control_max_age_sec),
        AccessControlAllowOrigins: list(only(cors.access_control_allow_origins).items),
        AccessControlAllowMethods: list(only(cors.access_control_allow_methods).items),
        AccessControlAllowHeaders: list(only(cors.access_control_allow_headers).items),
        AccessControlExposeHeaders: list(only(cors.access_control_expose_headers).items),
      },
    }),
  };
}

function distribution(block: Block): Json {
  const origin = only(block.origin);
  const certificate = only(block.viewer_certificate);
  const isOwnDomain = certificate.acm_certificate_arn !== undefined;
  return {
    enabled: json(block.enabled),
    ipv6: json(block.is_ipv6_enabled),
    http: json(block.http_version),
    price_class: json(block.price_class),
    aliases: json(block.aliases),
    origin: { domain: json(origin.domain_name), access: json(origin.origin_access_control_id) },
    default: behaviour(only(block.default_cache_behavior)),
    folders: Object.fromEntries(
      all(block.ordered_cache_behavior).map((each) => [String(each.path_pattern), behaviour(each)]),
    ),
    certificate: isOwnDomain ? json(certificate.acm_certificate_arn) : 'that of CloudFront',
    tls: isOwnDomain ? json(certificate.minimum_protocol_version) : null,
  };
}

function behaviour(block: Block): Json {
  return {
    protocol: json(block.viewer_protocol_policy),
    methods: [...(block.allowed_methods as string[])].sort(),
    cache: json(block.cache_policy_id),
    headers: json(block.response_headers_policy_id),
    signed_by: (block.trusted_key_groups ?? []) as Json,
  };
}
