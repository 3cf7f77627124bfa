"""Separate the decoded recordings of a song's side into stems."""

from pathlib import Path

from editorbot.workflow.step import step

with step(snakemake):
    from editorbot.audio.stems import separate
    from editorbot.params import StemsParams

    separate(
        Path(snakemake.input[0]),
        Path(snakemake.output[0]),
        params=StemsParams(**snakemake.params.settings),
    )
