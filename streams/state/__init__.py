"""The state of a partition in memory, how large it is, and how far it has read."""
