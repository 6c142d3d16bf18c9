"""Several stages in one worker: an engine for each, one consumer, one end. Knows nothing of WhatsApp."""
