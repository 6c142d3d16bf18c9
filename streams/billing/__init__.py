"""Billing on a running system: closes to publish, an account's log, an invoice to look at."""
