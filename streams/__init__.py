"""The pipeline: Faust app, engine, topics and command line. It only moves data."""
