"""editorbot: learns audio edits from pairs of raw recording and finished edit."""

__version__ = "0.1.0"
