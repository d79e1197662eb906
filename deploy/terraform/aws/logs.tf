# The bucket for server access logs, as closed as the other one.

locals {
  # Without a log bucket nothing uses it; a name must stand there all the same.
  log_bucket_name = var.log_bucket == null ? var.bucket : var.log_bucket
  log_bucket_arn  = "arn:${local.partition}:s3:::${local.log_bucket_name}"
}

resource "aws_s3_bucket" "logs" {
  count  = var.log_bucket != null ? 1 : 0
  bucket = var.log_bucket
  tags   = local.tags
}

resource "aws_s3_bucket_public_access_block" "logs" {
  count                   = var.log_bucket != null ? 1 : 0
  bucket                  = aws_s3_bucket.logs[0].id
  block_public_acls       = true
  ignore_public_acls      = true
  block_public_policy     = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "logs" {
  count  = var.log_bucket != null ? 1 : 0
  bucket = aws_s3_bucket.logs[0].id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

# Log delivery knows no KMS key of ours.
resource "aws_s3_bucket_server_side_encryption_configuration" "logs" {
  count  = var.log_bucket != null ? 1 : 0
  bucket = aws_s3_bucket.logs[0].id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "logs" {
  count  = var.log_bucket != null ? 1 : 0
  bucket = aws_s3_bucket.logs[0].id

  rule {
    id     = "stowage-expire-logs"
    status = "Enabled"

    filter {
      prefix = ""
    }

    expiration {
      days = var.log_days
    }
  }
}

data "aws_iam_policy_document" "logs" {
  statement {
    sid       = "StowageTlsOnly"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [local.log_bucket_arn, "${local.log_bucket_arn}/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }

  statement {
    sid       = "StowageServerAccessLogs"
    effect    = "Allow"
    actions   = ["s3:PutObject"]
    resources = ["${local.log_bucket_arn}/${var.bucket}/*"]

    principals {
      type        = "Service"
      identifiers = ["logging.s3.amazonaws.com"]
    }

    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values   = [local.bucket_arn]
    }
  }
}

resource "aws_s3_bucket_policy" "logs" {
  count      = var.log_bucket != null ? 1 : 0
  bucket     = aws_s3_bucket.logs[0].id
  policy     = data.aws_iam_policy_document.logs.json
  depends_on = [aws_s3_bucket_public_access_block.logs]
}

resource "aws_s3_bucket_logging" "files" {
  count         = var.log_bucket != null ? 1 : 0
  bucket        = aws_s3_bucket.files.id
  target_bucket = aws_s3_bucket.logs[0].id
  target_prefix = "${var.bucket}/"
  depends_on    = [aws_s3_bucket_policy.logs]
}
