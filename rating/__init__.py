"""What a message costs, and why: the pure core. No I/O, no clock, no Kafka."""
