# The names are those that `stowage provision export --format terraform` prints.

variable "bucket" {
  description = "Name of the bucket."
  type        = string
}

variable "region" {
  description = "Region of the bucket; that of the provider."
  type        = string
}

variable "environment" {
  description = "dev, staging or prod; tagged onto everything. Each has a bucket of its own."
  type        = string
  default     = "prod"

  validation {
    condition     = contains(["dev", "staging", "prod"], var.environment)
    error_message = "The environment is dev, staging or prod."
  }
}

variable "sse_algorithm" {
  description = "AES256 or aws:kms."
  type        = string
  default     = "AES256"

  validation {
    condition     = contains(["AES256", "aws:kms"], var.sse_algorithm)
    error_message = "The algorithm is AES256 or aws:kms."
  }
}

variable "kms_key_id" {
  description = "ARN of the KMS key for aws:kms; null: the account's default key."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_id == null || startswith(coalesce(var.kms_key_id, "arn:"), "arn:")
    error_message = "Name the key by its ARN: policies are compared with it."
  }
}

variable "cors_origins" {
  description = "Origins whose pages may read and write by signed URLs; empty: no rule."
  type        = list(string)
  default     = []

  validation {
    condition     = !contains(var.cors_origins, "*")
    error_message = "Name the origins: * lets pages of any site at signed URLs."
  }
}

variable "versioning" {
  description = "Whether a replaced or deleted object can be restored."
  type        = bool
  default     = true
}

variable "abort_multipart_days" {
  description = "Days after which an unfinished multi-part upload is removed."
  type        = number
  default     = 2
}

variable "expire_incoming_days" {
  description = "Days after which a direct upload that nobody completed is removed."
  type        = number
  default     = 1
}

variable "old_versions_rare_days" {
  description = "Days after which an old version moves to STANDARD_IA; null: never."
  type        = number
  default     = 30
}

variable "old_versions_archive_days" {
  description = "Days after which an old version moves to GLACIER; null: never."
  type        = number
  default     = 90
}

variable "old_versions_delete_days" {
  description = "Days after which an old version is removed; null: never."
  type        = number
  default     = 365
}

variable "folders" {
  description = "Prefixes shown as folders in a console, each ending in a slash."
  type        = list(string)
  default     = []
}

variable "log_bucket" {
  description = "Name of the bucket for server access logs; null: none are written."
  type        = string
  default     = null
}

variable "log_days" {
  description = "Days that server access logs are kept."
  type        = number
  default     = 90
}

variable "identity_kind" {
  description = "role or user: the backend's identity; null: it is made elsewhere."
  type        = string
  default     = "role"
}

variable "identity_name" {
  description = "Name of the role or user; null: stowage-<bucket>."
  type        = string
  default     = null
}

variable "identity_service" {
  description = "Service whose machines may take the role."
  type        = string
  default     = "ec2.amazonaws.com"
}

variable "allowed_principals" {
  description = "ARNs that alone may touch objects, besides the identity; empty: all that the account's own policies allow."
  type        = list(string)
  default     = []
}

variable "tags" {
  description = "Tags besides application and environment."
  type        = map(string)
  default     = {}
}

variable "cdn" {
  description = "Whether a CloudFront distribution is put in front of the bucket."
  type        = bool
  default     = false
}

variable "cdn_domain" {
  description = "Own host name of the distribution; null: the one that CloudFront gives."
  type        = string
  default     = null
}

variable "cdn_public_keys" {
  description = "Public keys (PEM) whose private keys sign URLs, newest first. At least one with cdn."
  type        = list(string)
  default     = []
}

variable "cdn_price_class" {
  description = "Where CloudFront keeps copies; null: PriceClass_100, North America and Europe."
  type        = string
  default     = null
}

variable "cdn_folders" {
  description = "Kinds of files by the prefix of their keys: whether they never change, and whether everybody may read them."
  type = list(object({
    prefix    = string
    immutable = bool
    public    = bool
  }))
  default = []
}
