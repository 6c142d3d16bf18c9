"""The same history under another catalog, rulebook or fee: rated twice by the one stage, and compared."""
