"""Subscriptions, seats, add-ons and invoices: a pure state machine per billing account."""
