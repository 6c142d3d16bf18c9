"""Price lists on disk, and what people ask of them."""
