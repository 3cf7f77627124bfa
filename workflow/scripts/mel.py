"""Compute the mel spectrogram of the decoded recordings of a song's side."""

from pathlib import Path

from editorbot.workflow.step import step

with step(snakemake):
    from editorbot.audio.mel import mel_store
    from editorbot.params import MelParams

    mel_store(
        Path(snakemake.input[0]),
        Path(snakemake.output[0]),
        params=MelParams(**snakemake.params.settings),
    )
