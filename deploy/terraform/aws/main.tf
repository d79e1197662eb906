# The bucket, as `stowage provision apply` makes it: private, encrypted, versioned, reachable by TLS only.

locals {
  partition  = startswith(var.region, "cn-") ? "aws-cn" : startswith(var.region, "us-gov-") ? "aws-us-gov" : "aws"
  bucket_arn = "arn:${local.partition}:s3:::${var.bucket}"
  is_kms     = var.sse_algorithm == "aws:kms"
  own_tags   = { application = "stowage", environment = var.environment }
  tags       = merge(var.tags, local.own_tags)

  has_old_version_rule = var.old_versions_rare_days != null || var.old_versions_archive_days != null || var.old_versions_delete_days != null
}

resource "aws_s3_bucket" "files" {
  bucket = var.bucket
  tags   = local.tags
}

resource "aws_s3_bucket_public_access_block" "files" {
  bucket                  = aws_s3_bucket.files.id
  block_public_acls       = true
  ignore_public_acls      = true
  block_public_policy     = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "files" {
  bucket = aws_s3_bucket.files.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "files" {
  bucket = aws_s3_bucket.files.id

  rule {
    bucket_key_enabled = local.is_kms ? true : null

    apply_server_side_encryption_by_default {
      sse_algorithm     = var.sse_algorithm
      kms_master_key_id = local.is_kms ? var.kms_key_id : null
    }
  }
}

resource "aws_s3_bucket_versioning" "files" {
  bucket = aws_s3_bucket.files.id

  versioning_configuration {
    status = var.versioning ? "Enabled" : "Suspended"
  }
}

resource "aws_s3_bucket_cors_configuration" "files" {
  count  = length(var.cors_origins) > 0 ? 1 : 0
  bucket = aws_s3_bucket.files.id

  cors_rule {
    allowed_origins = var.cors_origins
    allowed_methods = ["GET", "HEAD", "POST", "PUT"]
    allowed_headers = ["*"]
    expose_headers  = ["ETag"]
    max_age_seconds = 3600
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "files" {
  bucket = aws_s3_bucket.files.id

  # Rules about old versions mean nothing before there can be any.
  depends_on = [aws_s3_bucket_versioning.files]

  rule {
    id     = "stowage-abort-multipart"
    status = "Enabled"

    filter {
      prefix = ""
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = var.abort_multipart_days
    }
  }

  rule {
    id     = "stowage-expire-incoming"
    status = "Enabled"

    filter {
      prefix = "incoming/"
    }

    expiration {
      days = var.expire_incoming_days
    }

    # With versioning an expiry leaves the bytes as an old version: nobody needs those of an upload.
    noncurrent_version_expiration {
      noncurrent_days = var.expire_incoming_days
    }
  }

  dynamic "rule" {
    for_each = local.has_old_version_rule ? [1] : []

    content {
      id     = "stowage-old-versions"
      status = "Enabled"

      filter {
        prefix = ""
      }

      dynamic "noncurrent_version_transition" {
        for_each = var.old_versions_rare_days != null ? [1] : []

        content {
          noncurrent_days = var.old_versions_rare_days
          storage_class   = "STANDARD_IA"
        }
      }

      dynamic "noncurrent_version_transition" {
        for_each = var.old_versions_archive_days != null ? [1] : []

        content {
          noncurrent_days = var.old_versions_archive_days
          storage_class   = "GLACIER"
        }
      }

      dynamic "noncurrent_version_expiration" {
        for_each = var.old_versions_delete_days != null ? [1] : []

        content {
          noncurrent_days = var.old_versions_delete_days
        }
      }

      dynamic "expiration" {
        for_each = var.old_versions_delete_days != null ? [1] : []

        content {
          expired_object_delete_marker = true
        }
      }
    }
  }
}

resource "aws_s3_object" "folder" {
  for_each               = toset(var.folders)
  bucket                 = aws_s3_bucket.files.id
  key                    = each.value
  content                = ""
  server_side_encryption = var.sse_algorithm
  kms_key_id             = local.is_kms ? var.kms_key_id : null
}
