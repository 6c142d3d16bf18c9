"""Runs a `rating.stage.Stage` on Kafka, exactly once: record batches in, one transaction per batch out. Knows nothing of WhatsApp."""
