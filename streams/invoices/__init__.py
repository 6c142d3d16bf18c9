"""Invoices as documents that people look at: HTML and PDF."""
