"""Make one track to practise on."""

from pathlib import Path

from editorbot.workflow.step import step

with step(snakemake):
    from editorbot.corpus.practice_tracks import practice_track, render_practice_track

    number = int(snakemake.wildcards.track.rpartition("-")[2])
    render_practice_track(practice_track(number), Path(snakemake.output[0]))
