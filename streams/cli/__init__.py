"""The command line, `wameter`: one module per group of commands, each importing what it needs only when it runs."""
