"""The product under faults: whatever dies, what is published is the oracle's, to the last digit, at every commit."""
