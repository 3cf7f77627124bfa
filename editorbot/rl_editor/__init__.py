"""Editing as a game: an environment for agents that learn an editor's habits by playing."""
