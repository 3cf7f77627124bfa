"""The one supervised training loop and its checkpoints."""
