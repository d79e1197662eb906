output "bucket" {
  description = "GCS_BUCKET_NAME."
  value       = google_storage_bucket.files.name
}

output "project_id" {
  description = "GCS_PROJECT_ID."
  value       = google_storage_bucket.files.project
}
