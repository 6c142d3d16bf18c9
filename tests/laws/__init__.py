"""The laws of the product, on generated streams against the oracle: any order, any duplicates, any interruption, one result."""
