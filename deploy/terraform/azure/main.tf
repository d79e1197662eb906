# An account and its container, as `stowage provision apply` sets them: private, by TLS 1.2 and newer, restorable.

locals {
  own_tags    = { application = "stowage", environment = var.environment }
  rule_prefix = "stowage${replace(var.container, "-", "")}"

  has_version_rule = var.old_versions_rare_days != null || var.old_versions_archive_days != null || var.old_versions_delete_days != null
}

resource "azurerm_storage_account" "files" {
  name                            = var.account
  resource_group_name             = var.resource_group
  location                        = var.location
  account_kind                    = "StorageV2"
  account_tier                    = "Standard"
  account_replication_type        = "ZRS"
  allow_nested_items_to_be_public = false
  min_tls_version                 = "TLS1_2"
  https_traffic_only_enabled      = true
  tags                            = merge(var.tags, local.own_tags)

  blob_properties {
    versioning_enabled = var.versioning

    delete_retention_policy {
      days = var.soft_delete_days
    }

    container_delete_retention_policy {
      days = var.soft_delete_days
    }

    dynamic "cors_rule" {
      for_each = length(var.cors_origins) > 0 ? [1] : []

      content {
        allowed_origins    = var.cors_origins
        allowed_methods    = ["GET", "HEAD", "OPTIONS", "PUT"]
        allowed_headers    = ["content-type", "x-ms-*"]
        exposed_headers    = ["ETag"]
        max_age_in_seconds = 3600
      }
    }
  }
}

resource "azurerm_storage_container" "files" {
  name                  = var.container
  storage_account_id    = azurerm_storage_account.files.id
  container_access_type = "private"
}

# Blocks that no blob was made of go after a week by themselves; nothing to set there.
resource "azurerm_storage_management_policy" "files" {
  storage_account_id = azurerm_storage_account.files.id

  rule {
    name    = "${local.rule_prefix}incoming"
    enabled = true

    filters {
      blob_types   = ["blockBlob"]
      prefix_match = ["${var.container}/incoming/"]
    }

    actions {
      base_blob {
        delete_after_days_since_modification_greater_than = var.expire_incoming_days
      }

      version {
        delete_after_days_since_creation = var.expire_incoming_days
      }
    }
  }

  dynamic "rule" {
    for_each = local.has_version_rule ? [1] : []

    content {
      name    = "${local.rule_prefix}versions"
      enabled = true

      filters {
        blob_types   = ["blockBlob"]
        prefix_match = ["${var.container}/"]
      }

      actions {
        version {
          change_tier_to_cool_after_days_since_creation    = var.old_versions_rare_days
          change_tier_to_archive_after_days_since_creation = var.old_versions_archive_days
          delete_after_days_since_creation                 = var.old_versions_delete_days
        }
      }
    }
  }
}

# What the backend does: blobs of this container, and keys that sign URLs without the account's own.
resource "azurerm_role_assignment" "blobs" {
  count                = var.principal_id != null ? 1 : 0
  scope                = azurerm_storage_container.files.id
  role_definition_name = "Storage Blob Data Contributor"
  principal_id         = var.principal_id
}

resource "azurerm_role_assignment" "signing" {
  count                = var.principal_id != null ? 1 : 0
  scope                = azurerm_storage_account.files.id
  role_definition_name = "Storage Blob Delegator"
  principal_id         = var.principal_id
}
