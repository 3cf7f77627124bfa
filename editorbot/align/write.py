"""An alignment on disk: the EDL, how it went, its views as frames, and its picture."""

from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from editorbot.align.align import Alignment
from editorbot.align.picture import draw_alignment
from editorbot.edl.frames import FrameGrid, to_ops, to_pointers
from editorbot.edl.model import Edit
from editorbot.edl.serialize import write_edit
from editorbot.files import write_json, write_npy
from editorbot.params import MelParams

VERSIONS = ("editorbot", "numpy", "scipy", "soxr")


def write_alignment(
    alignment: Alignment, directory: Path | str, *, song: str, mel: MelParams
) -> None:
    """Write the five files of a song: `_edit.json, _info.json, _alignment.png`, and the views.

    The recordings are read again, for the picture, from the paths that were aligned.
    """
    directory = Path(directory)
    write_list(
        alignment,
        edit_json=directory / f"{song}_edit.json",
        info_json=directory / f"{song}_info.json",
    )
    write_views(
        alignment.edit,
        pointers_npy=directory / f"{song}_pointers.npy",
        ops_npy=directory / f"{song}_ops.npy",
        mel=mel,
    )
    draw_alignment(
        alignment.edit,
        Path(alignment.info.edit_path),
        directory / f"{song}_alignment.png",
        title=song,
        cut_confidences=alignment.info.cut_confidences,
    )


def write_list(alignment: Alignment, *, edit_json: Path | str, info_json: Path | str) -> None:
    """Write the EDL, and what `AlignmentInfo` tells with the versions that made it."""
    info = asdict(alignment.info)
    info["params"] = alignment.info.params.model_dump()
    info["versions"] = {name: version(name) for name in VERSIONS}
    write_edit(edit_json, alignment.edit)
    write_json(info_json, info)


def write_views(
    edit: Edit, *, pointers_npy: Path | str, ops_npy: Path | str, mel: MelParams
) -> None:
    """Write pointers, (F,) int64, and ops, (F,) int8, one per mel column of the edit."""
    grid = FrameGrid(sample_rate=mel.sample_rate, hop_length=mel.hop_length)
    write_npy(pointers_npy, to_pointers(edit, grid))
    write_npy(ops_npy, to_ops(edit, grid))
