terraform {
  required_version = ">= 1.5"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.40, < 7.0"

      # CloudFront takes certificates of us-east-1 only.
      configuration_aliases = [aws.us_east_1]
    }
  }
}
