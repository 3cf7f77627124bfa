"""Decode the recordings of a song's side to the copy that features and stems are computed from."""

from pathlib import Path

from editorbot.workflow.step import step

with step(snakemake):
    from editorbot.audio.decode import decode

    decode(
        list(snakemake.input),
        Path(snakemake.output[0]),
        **snakemake.params.settings,
    )
