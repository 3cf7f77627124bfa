"""Entry points for training by hand."""
