"""Decode a recording to the copy that features and stems are computed from."""

from pathlib import Path

from editorbot.workflow.step import step

with step(snakemake):
    from editorbot.audio.decode import decode

    decode(
        Path(snakemake.input[0]),
        Path(snakemake.output[0]),
        **snakemake.params.settings,
    )
