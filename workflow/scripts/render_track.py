"""Make one track to practise on."""

from pathlib import Path

from editorbot.workflow.step import step

with step(snakemake):
    from editorbot.corpus.practice_tracks import practice_track, render_practice_track

    track = practice_track(snakemake.params.number)
    render_practice_track(
        track, Path(snakemake.output.track), renditions=snakemake.params.renditions
    )
