# A distribution in front of the private bucket: only it comes in, by TLS 1.2 and newer, and only by signed URLs but for
# folders of public asset types.

locals {
  distribution_arn = var.cdn ? aws_cloudfront_distribution.files[0].arn : ""
  cdn_count        = var.cdn ? 1 : 0
  cdn_own_domain   = var.cdn && var.cdn_domain != null
  cdn_name         = "stowage-${replace(var.bucket, ".", "-")}"
}

resource "aws_cloudfront_origin_access_control" "files" {
  count                             = local.cdn_count
  name                              = local.cdn_name
  description                       = "Stowage: ${var.bucket}"
  origin_access_control_origin_type = "s3"
  signing_behavior                  = "always"
  signing_protocol                  = "sigv4"
}

resource "aws_cloudfront_public_key" "signing" {
  count       = var.cdn ? length(var.cdn_public_keys) : 0
  name        = "${local.cdn_name}-${substr(sha256(var.cdn_public_keys[count.index]), 0, 8)}"
  encoded_key = var.cdn_public_keys[count.index]
}

resource "aws_cloudfront_key_group" "signing" {
  count = local.cdn_count
  name  = local.cdn_name
  items = aws_cloudfront_public_key.signing[*].id

  lifecycle {
    precondition {
      condition     = length(var.cdn_public_keys) > 0
      error_message = "A distribution without a public key would let nobody in, or everybody: set cdn_public_keys."
    }
  }
}

# Objects say "private" for browsers. CloudFront asks for a signature each time, so it may keep them: the least time says so.
resource "aws_cloudfront_cache_policy" "immutable" {
  count       = local.cdn_count
  name        = "${local.cdn_name}-immutable"
  comment     = "Stowage: images never change under their name"
  min_ttl     = 31536000
  default_ttl = 31536000
  max_ttl     = 31536000

  parameters_in_cache_key_and_forwarded_to_origin {
    enable_accept_encoding_brotli = false
    enable_accept_encoding_gzip   = false

    cookies_config {
      cookie_behavior = "none"
    }

    headers_config {
      header_behavior = "none"
    }

    query_strings_config {
      query_string_behavior = "whitelist"

      query_strings {
        items = ["response-content-disposition", "response-content-type"]
      }
    }
  }
}

resource "aws_cloudfront_cache_policy" "short" {
  count       = local.cdn_count
  name        = "${local.cdn_name}-short"
  comment     = "Stowage: videos and documents, an hour"
  min_ttl     = 3600
  default_ttl = 3600
  max_ttl     = 86400

  parameters_in_cache_key_and_forwarded_to_origin {
    enable_accept_encoding_brotli = false
    enable_accept_encoding_gzip   = false

    cookies_config {
      cookie_behavior = "none"
    }

    headers_config {
      header_behavior = "none"
    }

    query_strings_config {
      query_string_behavior = "whitelist"

      query_strings {
        items = ["response-content-disposition", "response-content-type"]
      }
    }
  }
}

# What everybody may read is kept as long as it says itself. Nothing of the query reaches the bucket: it would let a
# stranger say what type a file has.
resource "aws_cloudfront_cache_policy" "public" {
  count       = local.cdn_count
  name        = "${local.cdn_name}-public"
  comment     = "Stowage: public files, as they say"
  min_ttl     = 0
  default_ttl = 300
  max_ttl     = 31536000

  parameters_in_cache_key_and_forwarded_to_origin {
    enable_accept_encoding_brotli = false
    enable_accept_encoding_gzip   = false

    cookies_config {
      cookie_behavior = "none"
    }

    headers_config {
      header_behavior = "none"
    }

    query_strings_config {
      query_string_behavior = "none"
    }
  }
}

resource "aws_cloudfront_response_headers_policy" "files" {
  count   = local.cdn_count
  name    = local.cdn_name
  comment = "Stowage: nothing that is delivered may act"

  security_headers_config {
    content_type_options {
      override = true
    }

    content_security_policy {
      content_security_policy = "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; sandbox"
      override                = true
    }

    strict_transport_security {
      access_control_max_age_sec = 63072000
      include_subdomains         = false
      override                   = true
    }

    referrer_policy {
      referrer_policy = "no-referrer"
      override        = true
    }
  }

  custom_headers_config {
    items {
      header   = "X-Robots-Tag"
      value    = "noindex, nofollow"
      override = true
    }

    items {
      header   = "Cross-Origin-Resource-Policy"
      value    = "cross-origin"
      override = true
    }
  }

  dynamic "cors_config" {
    for_each = length(var.cors_origins) > 0 ? [1] : []

    content {
      access_control_allow_credentials = false
      origin_override                  = true
      access_control_max_age_sec       = 3600

      access_control_allow_origins {
        items = var.cors_origins
      }

      access_control_allow_methods {
        items = ["GET", "HEAD"]
      }

      access_control_allow_headers {
        items = ["*"]
      }

      access_control_expose_headers {
        items = ["ETag"]
      }
    }
  }
}

resource "aws_acm_certificate" "cdn" {
  count             = local.cdn_own_domain ? 1 : 0
  provider          = aws.us_east_1
  domain_name       = var.cdn_domain
  validation_method = "DNS"
  tags              = local.tags

  lifecycle {
    create_before_destroy = true
  }
}

# Waits until the DNS records that prove the domain are there.
resource "aws_acm_certificate_validation" "cdn" {
  count           = local.cdn_own_domain ? 1 : 0
  provider        = aws.us_east_1
  certificate_arn = aws_acm_certificate.cdn[0].arn
}

resource "aws_cloudfront_distribution" "files" {
  count           = local.cdn_count
  enabled         = true
  is_ipv6_enabled = true
  http_version    = "http2and3"
  comment         = "Stowage: ${var.bucket}"
  price_class     = var.cdn_price_class == null ? "PriceClass_100" : var.cdn_price_class
  aliases         = local.cdn_own_domain ? [var.cdn_domain] : []
  tags            = local.tags

  origin {
    origin_id                = "bucket"
    domain_name              = aws_s3_bucket.files.bucket_regional_domain_name
    origin_access_control_id = aws_cloudfront_origin_access_control.files[0].id
  }

  default_cache_behavior {
    target_origin_id           = "bucket"
    viewer_protocol_policy     = "https-only"
    allowed_methods            = ["GET", "HEAD"]
    cached_methods             = ["GET", "HEAD"]
    compress                   = false
    cache_policy_id            = aws_cloudfront_cache_policy.short[0].id
    response_headers_policy_id = aws_cloudfront_response_headers_policy.files[0].id
    trusted_key_groups         = [aws_cloudfront_key_group.signing[0].id]
  }

  dynamic "ordered_cache_behavior" {
    for_each = [for folder in var.cdn_folders : folder if folder.immutable || folder.public]

    content {
      path_pattern               = "${ordered_cache_behavior.value.prefix}*"
      target_origin_id           = "bucket"
      viewer_protocol_policy     = "https-only"
      allowed_methods            = ["GET", "HEAD"]
      cached_methods             = ["GET", "HEAD"]
      compress                   = false
      cache_policy_id            = ordered_cache_behavior.value.public ? aws_cloudfront_cache_policy.public[0].id : ordered_cache_behavior.value.immutable ? aws_cloudfront_cache_policy.immutable[0].id : aws_cloudfront_cache_policy.short[0].id
      response_headers_policy_id = aws_cloudfront_response_headers_policy.files[0].id
      trusted_key_groups         = ordered_cache_behavior.value.public ? null : [aws_cloudfront_key_group.signing[0].id]
    }
  }

  restrictions {
    geo_restriction {
      restriction_type = "none"
    }
  }

  # Without a domain of its own CloudFront offers its own certificate, whose oldest protocol can not be chosen.
  viewer_certificate {
    cloudfront_default_certificate = !local.cdn_own_domain
    acm_certificate_arn            = local.cdn_own_domain ? aws_acm_certificate_validation.cdn[0].certificate_arn : null
    ssl_support_method             = local.cdn_own_domain ? "sni-only" : null
    minimum_protocol_version       = local.cdn_own_domain ? "TLSv1.2_2021" : "TLSv1"
  }
}
