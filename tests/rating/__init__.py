"""The pure core, piece by piece."""
