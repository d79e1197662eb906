# terraform init && terraform apply
# Or, from the settings that Stowage runs with:
#   stowage provision export --format terraform > terraform.tfvars.json

terraform {
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 5.20, < 8.0"
    }
  }
}

provider "google" {
  project = "example-org-prod"
}

module "stowage" {
  source = "../"

  bucket       = "example-org-files-prod"
  location     = "EUROPE-WEST3"
  environment  = "prod"
  cors_origins = ["https://app.example.org"]
}

output "settings" {
  value = {
    GCS_BUCKET_NAME = module.stowage.bucket
    GCS_PROJECT_ID  = module.stowage.project_id
  }
}
