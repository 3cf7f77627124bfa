"""The path model: an edit as a path along the raw's own time axis; see docs/pointer_network.md."""
