"""Explanations and quotes from files and from a running system."""
