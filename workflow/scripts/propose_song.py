"""Propose an edit of a song's raw recordings with a trained pointer network."""

from pathlib import Path

from editorbot.workflow.step import step

with step(snakemake):
    from editorbot.pointer_network.infer import Features, infer

    inputs = snakemake.input
    stems_mel = Path(inputs.stems_mel) if inputs.stems_mel else None
    infer(
        list(inputs.raws),
        checkpoint=Path(inputs.checkpoint[0]).parent,
        output=Path(snakemake.output.sound),
        features=Features(Path(inputs.mel), stems_mel),
    )
