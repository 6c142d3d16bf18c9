"""How a partition comes to its state: fence, wait for what was under way, restore, catch up. Knows nothing of WhatsApp."""
