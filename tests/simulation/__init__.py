"""The engine on a model of Kafka with a clock of its own: every crash point and interleaving that a seed picks."""
