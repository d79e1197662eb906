# The names are those that `stowage provision export --format terraform` prints.

variable "bucket" {
  description = "Name of the bucket: GCS_BUCKET_NAME."
  type        = string
}

variable "project_id" {
  description = "Project of the bucket; null: that of the provider."
  type        = string
  default     = null
}

variable "location" {
  description = "Region or multi-region of the bucket."
  type        = string
}

variable "environment" {
  description = "dev, staging or prod; labelled onto the bucket."
  type        = string
  default     = "prod"

  validation {
    condition     = contains(["dev", "staging", "prod"], var.environment)
    error_message = "The environment is dev, staging or prod."
  }
}

variable "kms_key" {
  description = "projects/…/cryptoKeys/… that objects are encrypted with; null: keys of Google."
  type        = string
  default     = null
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
  description = "Days after which an old version moves to NEARLINE; null: never."
  type        = number
  default     = 30
}

variable "old_versions_archive_days" {
  description = "Days after which an old version moves to ARCHIVE; null: never."
  type        = number
  default     = 90
}

variable "old_versions_delete_days" {
  description = "Days after which an old version is removed; null: never."
  type        = number
  default     = 365
}

variable "service_account" {
  description = "E-mail of the account that the backend runs as; null: it is granted elsewhere."
  type        = string
  default     = null
}

variable "labels" {
  description = "Labels besides application and environment."
  type        = map(string)
  default     = {}
}
