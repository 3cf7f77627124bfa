"""How a jam is played, recorded and edited, for `editorbot.corpus.simulate`."""
