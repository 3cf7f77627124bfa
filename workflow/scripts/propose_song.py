"""Propose an edit of a raw recording with a trained pointer network."""

from pathlib import Path

from editorbot.workflow.step import step

with step(snakemake):
    from editorbot.pointer_network.infer import infer

    infer(
        Path(snakemake.input.raw),
        checkpoint=Path(snakemake.input.checkpoint[0]).parent,
        output=Path(snakemake.output.sound),
    )
