"""The edit decision list: what it is, how it is stored, and its views as frames."""
