"""Billing against its oracle: generated histories of accounts, event by event and invoice by invoice."""
