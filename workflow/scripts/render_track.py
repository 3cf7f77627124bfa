"""Render one demo song as a finished track."""

from pathlib import Path

from editorbot.workflow.step import step

with step(snakemake):
    import tempfile

    from editorbot.corpus.demo import demo_songs, render_demo
    from editorbot.files import replacing

    song = next(s for s in demo_songs() if s.name == snakemake.wildcards.track)
    with tempfile.TemporaryDirectory() as folder:
        mixture = render_demo(song, folder).mixture
        with replacing(Path(snakemake.output[0])) as temporary:
            temporary.write_bytes(mixture.read_bytes())
