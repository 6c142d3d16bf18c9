"""What watches a worker, and how it ends when it must not go on."""
