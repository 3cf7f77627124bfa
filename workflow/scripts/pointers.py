"""Take the pointers and ops of an aligned edit, one of each per mel frame."""

from editorbot.workflow.step import step

with step(snakemake):
    from editorbot.edl.frames import FrameGrid, to_ops, to_pointers
    from editorbot.edl.serialize import read_edit
    from editorbot.files import write_npy

    edit, grid = read_edit(snakemake.input[0]), FrameGrid(**snakemake.params.settings)
    write_npy(snakemake.output.pointers, to_pointers(edit, grid))
    write_npy(snakemake.output.ops, to_ops(edit, grid))
