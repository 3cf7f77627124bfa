"""Measure how well the edits were recovered."""

from itertools import starmap
from pathlib import Path

from editorbot.workflow.step import step

with step(snakemake):
    from editorbot.evaluate.alignments import AlignedSong, evaluate_alignments

    inputs, given = snakemake.input, snakemake.params
    paths = (map(Path, files) for files in (inputs.edited, inputs.edits, inputs.infos))
    truths = (Path(path) if path else None for path in given.truths)
    evaluate_alignments(
        list(starmap(AlignedSong, zip(given.songs, *paths, truths, strict=True))),
        metrics=Path(snakemake.output.metrics),
        table=Path(snakemake.output.table),
    )
