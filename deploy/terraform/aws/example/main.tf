# terraform init && terraform apply
# Or, from the settings that Stowage runs with:
#   stowage provision export --format terraform > terraform.tfvars.json

terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.40, < 7.0"
    }
  }
}

provider "aws" {
  region = "eu-central-1"
}

provider "aws" {
  alias  = "us_east_1"
  region = "us-east-1"
}

module "stowage" {
  source = "../"

  providers = {
    aws           = aws
    aws.us_east_1 = aws.us_east_1
  }

  bucket       = "example-org-files-prod"
  region       = "eu-central-1"
  environment  = "prod"
  cors_origins = ["https://app.example.org"]
  log_bucket   = "example-org-files-prod-logs"
  folders      = ["brand-images/", "generated-videos/"]
}

output "settings" {
  value = {
    S3_BUCKET_NAME = module.stowage.bucket
    S3_REGION      = module.stowage.region
    CDN_URL        = module.stowage.cdn_url
  }
}
