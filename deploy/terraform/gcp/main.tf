# The bucket, as `stowage provision apply` makes it: no ACLs, no strangers, versioned.

locals {
  own_labels = { application = "stowage", environment = var.environment }
}

resource "google_storage_bucket" "files" {
  name                        = var.bucket
  project                     = var.project_id
  location                    = var.location
  storage_class               = "STANDARD"
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  labels                      = merge(var.labels, local.own_labels)

  versioning {
    enabled = var.versioning
  }

  dynamic "encryption" {
    for_each = var.kms_key != null ? [1] : []

    content {
      default_kms_key_name = var.kms_key
    }
  }

  # Every header that Stowage signs must be named: no pattern stands for them.
  dynamic "cors" {
    for_each = length(var.cors_origins) > 0 ? [1] : []

    content {
      origin = var.cors_origins
      method = ["GET", "HEAD", "PUT"]
      response_header = [
        "Cache-Control",
        "Content-Disposition",
        "Content-Range",
        "Content-Type",
        "ETag",
        "x-goog-content-length-range",
        "x-goog-meta-content_hash",
        "x-goog-meta-upload_timestamp",
        "x-goog-meta-uploaded_by",
      ]
      max_age_seconds = 3600
    }
  }

  lifecycle_rule {
    action {
      type = "AbortIncompleteMultipartUpload"
    }

    condition {
      age = var.abort_multipart_days
    }
  }

  lifecycle_rule {
    action {
      type = "Delete"
    }

    condition {
      age            = var.expire_incoming_days
      matches_prefix = ["incoming/"]
    }
  }

  dynamic "lifecycle_rule" {
    for_each = var.old_versions_rare_days != null ? [1] : []

    content {
      action {
        type          = "SetStorageClass"
        storage_class = "NEARLINE"
      }

      condition {
        days_since_noncurrent_time = var.old_versions_rare_days
      }
    }
  }

  dynamic "lifecycle_rule" {
    for_each = var.old_versions_archive_days != null ? [1] : []

    content {
      action {
        type          = "SetStorageClass"
        storage_class = "ARCHIVE"
      }

      condition {
        days_since_noncurrent_time = var.old_versions_archive_days
      }
    }
  }

  dynamic "lifecycle_rule" {
    for_each = var.old_versions_delete_days != null ? [1] : []

    content {
      action {
        type = "Delete"
      }

      condition {
        days_since_noncurrent_time = var.old_versions_delete_days
      }
    }
  }
}

# What the backend does in its bucket, and nothing else.
resource "google_storage_bucket_iam_member" "backend" {
  count  = var.service_account != null ? 1 : 0
  bucket = google_storage_bucket.files.name
  role   = "roles/storage.objectUser"
  member = "serviceAccount:${var.service_account}"
}
