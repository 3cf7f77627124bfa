"""Compute the mel spectrograms of a recording's stems."""

from pathlib import Path

from editorbot.workflow.step import step

with step(snakemake):
    from editorbot.audio.stems import stems_mel
    from editorbot.params import MelParams

    stems_mel(
        Path(snakemake.input[0]),
        Path(snakemake.output[0]),
        params=MelParams(**snakemake.params.settings),
    )
