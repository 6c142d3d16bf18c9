"""Rating files without a broker, by one process or by several."""
