"""The wire contract: one model per record, and nothing that knows what a message costs."""
