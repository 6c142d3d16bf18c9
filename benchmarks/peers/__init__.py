"""The peers, a folder each: its own environment, and one page of code as its users would write it."""
