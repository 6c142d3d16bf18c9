"""The ruler: how fast the pipeline and its peers are on the same events. Nothing of the product imports it."""
