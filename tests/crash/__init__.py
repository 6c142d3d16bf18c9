"""The product, killed."""
