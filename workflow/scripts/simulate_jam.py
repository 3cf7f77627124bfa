"""Simulate and prepare one jam from a finished track."""

from pathlib import Path

from editorbot.workflow.step import step

with step(snakemake):
    from editorbot.corpus.jams import JamFiles, make_jam
    from editorbot.params import DecodeParams, MelParams

    given, listed = snakemake.params, snakemake.input.get("listed")
    make_jam(
        Path(snakemake.input.track),
        JamFiles(**{name: Path(path) for name, path in snakemake.output.items()}),
        number=given.number,
        mel=MelParams(**given.mel),
        decoding=DecodeParams(**given.decode),
        renditions=Path(listed) if listed else None,
    )
