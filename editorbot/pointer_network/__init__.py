"""Pointer networks: where an edit plays its raw recording, as learned from an editor's own."""

SYSTEM = "pointer_network"
"""The system's name, in checkpoints."""
