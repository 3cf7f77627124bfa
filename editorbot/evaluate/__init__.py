"""Scores of recovered and proposed edits, the trivial baselines beside them, tables and plots."""
