"""V2: a pointer network that learns where an editor's edit plays its raw recording."""
