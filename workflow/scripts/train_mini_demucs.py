"""Train the small Demucs on the demo songs' true parts and print how well it separates."""

from pathlib import Path

from editorbot.workflow.step import step

with step(snakemake):
    from editorbot.train.mini_demucs import improvement_lines, train_mini

    info = train_mini(
        Path(snakemake.params.directory),
        Path(snakemake.params.log_directory),
    )
    print(*improvement_lines(info), sep="\n")
