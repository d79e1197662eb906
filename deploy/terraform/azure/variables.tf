# The names are those that `stowage provision export --format terraform` prints.

variable "account" {
  description = "Name of the storage account."
  type        = string
}

variable "container" {
  description = "Name of the container: AZURE_CONTAINER_NAME."
  type        = string
}

variable "resource_group" {
  description = "Resource group of the account; it exists already."
  type        = string
}

variable "location" {
  description = "Region of the account."
  type        = string
}

variable "environment" {
  description = "dev, staging or prod; tagged onto the account."
  type        = string
  default     = "prod"

  validation {
    condition     = contains(["dev", "staging", "prod"], var.environment)
    error_message = "The environment is dev, staging or prod."
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
  description = "Whether a replaced or deleted blob can be restored."
  type        = bool
  default     = true
}

variable "soft_delete_days" {
  description = "Days that deleted blobs and containers can be brought back."
  type        = number
  default     = 7
}

variable "expire_incoming_days" {
  description = "Days after which a direct upload that nobody completed is removed."
  type        = number
  default     = 1
}

variable "old_versions_rare_days" {
  description = "Days after which an old version moves to the cool tier; null: never."
  type        = number
  default     = 30
}

variable "old_versions_archive_days" {
  description = "Days after which an old version moves to the archive tier; null: never."
  type        = number
  default     = 90
}

variable "old_versions_delete_days" {
  description = "Days after which an old version is removed; null: never."
  type        = number
  default     = 365
}

variable "principal_id" {
  description = "Object id of the identity that the backend runs as; null: it uses a connection string, or is granted elsewhere."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags besides application and environment."
  type        = map(string)
  default     = {}
}
