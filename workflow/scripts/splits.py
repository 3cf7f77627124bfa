"""Say which songs are learned from, which choose the checkpoint, and which are held out."""

from editorbot.workflow.step import step

with step(snakemake):
    from editorbot.corpus.splits import split_songs, write_splits

    splits = split_songs(snakemake.params.songs, **snakemake.params.settings)
    write_splits(snakemake.output[0], splits)
