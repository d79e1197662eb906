# The backend's identity: what it does, in its bucket and with its key, and nothing else.

locals {
  has_role      = var.identity_kind == "role"
  has_user      = var.identity_kind == "user"
  identity_name = var.identity_name != null ? var.identity_name : "stowage-${var.bucket}"
  identity_arns = concat(aws_iam_role.backend[*].arn, aws_iam_user.backend[*].arn)
}

data "aws_iam_policy_document" "identity" {
  statement {
    sid       = "StowageBucket"
    effect    = "Allow"
    actions   = ["s3:ListBucket"]
    resources = [local.bucket_arn]
  }

  statement {
    sid    = "StowageObjects"
    effect = "Allow"
    actions = [
      "s3:AbortMultipartUpload",
      "s3:DeleteObject",
      "s3:GetObject",
      "s3:ListMultipartUploadParts",
      "s3:PutObject",
    ]
    resources = ["${local.bucket_arn}/*"]
  }

  # The account's default key needs no grant: its own policy lets S3 use it for whoever may use S3.
  dynamic "statement" {
    for_each = local.is_kms && var.kms_key_id != null ? [1] : []

    content {
      sid       = "StowageKey"
      effect    = "Allow"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = [var.kms_key_id]

      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = ["s3.${var.region}.amazonaws.com"]
      }
    }
  }

  # What is deleted is invalidated in the distribution.
  dynamic "statement" {
    for_each = var.cdn ? [1] : []

    content {
      sid       = "StowageInvalidates"
      effect    = "Allow"
      actions   = ["cloudfront:CreateInvalidation"]
      resources = [local.distribution_arn]
    }
  }
}

data "aws_iam_policy_document" "trust" {
  statement {
    sid     = "StowageBackend"
    effect  = "Allow"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = [var.identity_service == null ? "ec2.amazonaws.com" : var.identity_service]
    }
  }
}

resource "aws_iam_role" "backend" {
  count              = local.has_role ? 1 : 0
  name               = local.identity_name
  description        = "Stowage: stores and reads files in its bucket"
  assume_role_policy = data.aws_iam_policy_document.trust.json
  tags               = local.tags
}

resource "aws_iam_role_policy" "backend" {
  count  = local.has_role ? 1 : 0
  name   = "stowage-backend"
  role   = aws_iam_role.backend[0].name
  policy = data.aws_iam_policy_document.identity.json
}

resource "aws_iam_user" "backend" {
  count = local.has_user ? 1 : 0
  name  = local.identity_name
  tags  = local.tags
}

resource "aws_iam_user_policy" "backend" {
  count  = local.has_user ? 1 : 0
  name   = "stowage-backend"
  user   = aws_iam_user.backend[0].name
  policy = data.aws_iam_policy_document.identity.json
}
