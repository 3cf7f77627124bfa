"""editorbot: learns audio edits from pairs of raw recording and finished edit."""
