"""Recovers the edit decision list from a raw recording and the finished edit made from it."""
