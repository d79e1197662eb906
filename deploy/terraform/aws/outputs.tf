output "bucket" {
  description = "S3_BUCKET_NAME."
  value       = aws_s3_bucket.files.id
}

output "region" {
  description = "S3_REGION."
  value       = var.region
}

output "bucket_arn" {
  description = "ARN of the bucket."
  value       = local.bucket_arn
}

output "identity_arn" {
  description = "The role or user that the backend runs as; null when it is made elsewhere."
  value       = length(local.identity_arns) > 0 ? local.identity_arns[0] : null
}

output "identity_policy" {
  description = "What the backend needs, for an identity that is made elsewhere."
  value       = data.aws_iam_policy_document.identity.json
}

output "cdn_url" {
  description = "CDN_URL; null without a distribution."
  value       = var.cdn ? "https://${coalesce(var.cdn_domain, aws_cloudfront_distribution.files[0].domain_name)}" : null
}

output "cdn_distribution_id" {
  description = "CDN_DISTRIBUTION_ID; null without a distribution."
  value       = var.cdn ? aws_cloudfront_distribution.files[0].id : null
}

output "cdn_key_pair_ids" {
  description = "CDN_KEY_PAIR_ID of each public key, in the order of cdn_public_keys."
  value       = aws_cloudfront_public_key.signing[*].id
}

output "cdn_dns_records" {
  description = "DNS records to create: those that prove the domain, and the one that leads to the distribution."
  value = var.cdn && var.cdn_domain != null ? concat(
    [for option in aws_acm_certificate.cdn[0].domain_validation_options : {
      name  = option.resource_record_name
      type  = option.resource_record_type
      value = option.resource_record_value
    }],
    [{ name = var.cdn_domain, type = "CNAME", value = aws_cloudfront_distribution.files[0].domain_name }],
  ) : []
}
