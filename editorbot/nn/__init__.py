"""Attention whose cost grows linearly with length: blocks shared by the systems."""
