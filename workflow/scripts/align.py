"""Recover what the editor did from raw recordings and the edit made from them."""

from pathlib import Path

from editorbot.workflow.step import step

with step(snakemake):
    from editorbot.align.align import align
    from editorbot.align.picture import draw_alignment
    from editorbot.align.write import write_list
    from editorbot.params import AlignParams

    raws, edited = list(map(Path, snakemake.input.raws)), Path(snakemake.input.edit)
    alignment = align(raws, edited, params=AlignParams(**snakemake.params.settings))
    write_list(alignment, edit_json=snakemake.output.edit, info_json=snakemake.output.info)
    draw_alignment(
        alignment.edit,
        edited,
        Path(snakemake.output.picture),
        title=snakemake.wildcards.song,
        cut_confidences=alignment.info.cut_confidences,
    )
