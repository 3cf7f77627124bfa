"""Write the HTML report."""

from pathlib import Path

from editorbot.workflow.step import step

with step(snakemake):
    from editorbot.workflow.report import write_report

    write_report(
        Path(snakemake.output[0]),
        snakefile=Path(__file__).parents[2] / "Snakefile",
        params=snakemake.params.settings,
    )
