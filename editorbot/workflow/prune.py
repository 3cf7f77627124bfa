"""Remove what was made of songs that are gone; Snakemake never deletes what it no longer makes.

Also removes the parts of files that a killed run left behind.

    python -m editorbot.workflow.prune [--directory WORKSPACE]
"""

import argparse
import os
import sys
from pathlib import Path

from editorbot.corpus.songs import find_songs
from editorbot.errors import EditorbotError
from editorbot.params import load_params
from editorbot.provenance import ROOT
from editorbot.workflow.run import BUSY, is_owned
from editorbot.workflow.state import STATE, Records

SIDES = ("raw", "edit")
POINTERS = ("edit.json", "info.json", "alignment.png", "pointers.npy", "ops.npy")
PROPOSALS = ("wav", "json", "png")

# Folders with files by song, and the names there of what belongs to one song.
BY_SONG: dict[str, tuple[str, ...]] = {
    **{
        f"results/{step}": tuple(f"{{song}}_{side}.zarr.zip" for side in SIDES)
        for step in ("decode", "features", "stems", "stems_mel")
    },
    "results/pointers": tuple(f"{{song}}_{ending}" for ending in POINTERS),
    "results/proposals": tuple(f"{{song}}.{ending}" for ending in PROPOSALS),
}


def prune(songs: list[str]) -> list[Path]:
    """Remove the files by song that belong to none of `songs`; returns what was removed.

    Works in the current directory.

    Raises:
        EditorbotError: There is no song, a run is going on, or a file cannot be removed.
    """
    if not songs:
        raise EditorbotError(
            "no song pair was found in data, so nothing was removed: is the data checked out?"
        )
    if is_owned():
        raise EditorbotError(BUSY)
    records = Records()
    removed = []
    for folder, names in BY_SONG.items():
        kept = {name.format(song=song) for song in songs for name in names} | {STATE}
        for path in sorted(Path(folder).glob("*")):
            if path.name not in kept and path.is_file():
                _remove(path)
                records.remove(str(path))
                removed.append(path)
    return removed


def _remove(path: Path) -> None:
    try:
        path.unlink()
    except OSError as error:
        raise EditorbotError(f"{path} could not be removed: {error.strerror}") from error


def main() -> None:
    """Remove what was made of songs that are no longer there."""
    parser = argparse.ArgumentParser(
        description=main.__doc__,
        epilog="example: python -m editorbot.workflow.prune --directory ~/recordings",
    )
    parser.add_argument("--directory", default=".", help="the workspace, with data and results")
    directory = Path(parser.parse_args().directory)
    if not directory.is_dir():
        sys.exit(f"editorbot: {directory} is no folder: give the one with data and results")
    os.chdir(directory)
    # As in the Snakefile: a workspace may have parameters of its own.
    here = Path("params.yaml")
    try:
        which = load_params(here if here.is_file() else ROOT / here).songs.which
        removed = prune(find_songs("data", which=which).names)
    except EditorbotError as error:
        sys.exit(f"editorbot: {error}")
    for path in removed:
        print(f"removed {path}")


if __name__ == "__main__":
    main()
