output "account_url" {
  description = "AZURE_ACCOUNT_URL."
  value       = azurerm_storage_account.files.primary_blob_endpoint
}

output "container" {
  description = "AZURE_CONTAINER_NAME."
  value       = azurerm_storage_container.files.name
}

output "connection_string" {
  description = "AZURE_STORAGE_CONNECTION_STRING, for a backend without an identity."
  value       = azurerm_storage_account.files.primary_connection_string
  sensitive   = true
}
