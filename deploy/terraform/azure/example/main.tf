# terraform init && terraform apply
# Or, from the settings that Stowage runs with:
#   stowage provision export --format terraform > terraform.tfvars.json

terraform {
  required_providers {
    azurerm = {
      source  = "hashicorp/azurerm"
      version = ">= 4.9, < 5.0"
    }
  }
}

variable "subscription_id" {
  type = string
}

provider "azurerm" {
  features {}
  subscription_id = var.subscription_id
}

module "stowage" {
  source = "../"

  account        = "exampleorgfilesprod"
  container      = "files"
  resource_group = "files-prod"
  location       = "westeurope"
  environment    = "prod"
  cors_origins   = ["https://app.example.org"]
}

output "settings" {
  value = {
    AZURE_ACCOUNT_URL    = module.stowage.account_url
    AZURE_CONTAINER_NAME = module.stowage.container
  }
}
