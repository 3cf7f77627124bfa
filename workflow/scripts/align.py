"""Recover what the editor did from a raw recording and its edit."""

from pathlib import Path

from editorbot.workflow.step import step

with step(snakemake):
    from editorbot.align.align import align
    from editorbot.align.picture import draw_alignment
    from editorbot.align.write import write_list
    from editorbot.params import AlignParams

    raw, edited = Path(snakemake.input.raw), Path(snakemake.input.edit)
    alignment = align(raw, edited, params=AlignParams(**snakemake.params.settings))
    write_list(alignment, edit_json=snakemake.output.edit, info_json=snakemake.output.info)
    draw_alignment(
        alignment.edit,
        raw,
        edited,
        Path(snakemake.output.picture),
        title=snakemake.wildcards.song,
    )
