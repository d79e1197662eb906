# The bucket's own policy. It grants nothing but what a distribution needs: rights come from the identities' policies.

data "aws_iam_policy_document" "files" {
  statement {
    sid       = "StowageTlsOnly"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [local.bucket_arn, "${local.bucket_arn}/*"]

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

  # A negated condition holds as well when the header is missing, so this refuses puts without encryption too.
  statement {
    sid       = "StowageEncryptedPutsOnly"
    effect    = "Deny"
    actions   = ["s3:PutObject"]
    resources = ["${local.bucket_arn}/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "StringNotEquals"
      variable = "s3:x-amz-server-side-encryption"
      values   = [var.sse_algorithm]
    }
  }

  dynamic "statement" {
    for_each = local.is_kms && var.kms_key_id != null ? [1] : []

    content {
      sid       = "StowageThisKeyOnly"
      effect    = "Deny"
      actions   = ["s3:PutObject"]
      resources = ["${local.bucket_arn}/*"]

      principals {
        type        = "*"
        identifiers = ["*"]
      }

      condition {
        test     = "StringNotEqualsIfExists"
        variable = "s3:x-amz-server-side-encryption-aws-kms-key-id"
        values   = [var.kms_key_id]
      }
    }
  }

  # Only objects: whoever may change the bucket's settings can mend them, whatever this list says.
  dynamic "statement" {
    for_each = length(var.allowed_principals) > 0 ? [1] : []

    content {
      sid       = "StowageNamedPrincipalsOnly"
      effect    = "Deny"
      actions   = ["s3:DeleteObject*", "s3:GetObject*", "s3:PutObject*"]
      resources = ["${local.bucket_arn}/*"]

      principals {
        type        = "*"
        identifiers = ["*"]
      }

      condition {
        test     = "ArnNotEquals"
        variable = "aws:PrincipalArn"
        values   = sort(distinct(concat(local.identity_arns, var.allowed_principals)))
      }

      condition {
        test     = "Bool"
        variable = "aws:PrincipalIsAWSService"
        values   = ["false"]
      }
    }
  }

  dynamic "statement" {
    for_each = var.cdn ? [1] : []

    content {
      sid       = "StowageCloudFrontReads"
      effect    = "Allow"
      actions   = ["s3:GetObject"]
      resources = ["${local.bucket_arn}/*"]

      principals {
        type        = "Service"
        identifiers = ["cloudfront.amazonaws.com"]
      }

      condition {
        test     = "StringEquals"
        variable = "AWS:SourceArn"
        values   = [local.distribution_arn]
      }
    }
  }
}

resource "aws_s3_bucket_policy" "files" {
  bucket = aws_s3_bucket.files.id
  policy = data.aws_iam_policy_document.files.json

  # It may refuse whoever writes the folders: those come first.
  depends_on = [aws_s3_bucket_public_access_block.files, aws_s3_object.folder]
}
