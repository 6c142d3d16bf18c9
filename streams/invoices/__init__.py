"""Invoices as people look at them: text, HTML and PDF."""
