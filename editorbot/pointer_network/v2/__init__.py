"""The original design: decisions along the edit, one after the other."""
