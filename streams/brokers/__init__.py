"""Brokers that come with the product."""
