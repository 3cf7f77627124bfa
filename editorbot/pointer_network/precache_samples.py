"""Prepare songs for training: `python -m editorbot.pointer_network.precache_samples [song...]`.

A door to the pipeline's own steps: decode, mel, stems, alignment, pointers. What is up to date is
not made again.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from editorbot.errors import EditorbotError
from editorbot.params import load_params


def targets_of(songs: list[str], *, stems: bool) -> list[str]:
    """The files that the pointer network learns from; for no song in particular, those of all."""
    if not songs:
        return ["prepare"]
    kinds = ["results/features/{}_raw.zarr.zip", "results/pointers/{}_pointers.npy"]
    if stems:
        kinds.append("results/stems_mel/{}_raw.zarr.zip")
    return [kind.format(song) for song in songs for kind in kinds]


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m editorbot.pointer_network.precache_samples",
        description="Prepare songs for training, in the folder that holds data/.",
        epilog="example: python -m editorbot.pointer_network.precache_samples my_song",
    )
    parser.add_argument("songs", nargs="*", help="names of songs; none: all")
    parser.add_argument("--cores", default="all", help="processor cores to use (default: all)")
    given = parser.parse_args(arguments)
    snakefile = Path(__file__).resolve().parents[2] / "Snakefile"
    path = Path("params.yaml")
    params = load_params(path if path.exists() else snakefile.parent / path)
    stems = params.stems.model != "off" and params.pointer.stems
    targets = targets_of(given.songs, stems=stems)
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(snakefile)]
    done = subprocess.run([*command, "--cores", given.cores, "--", *targets], check=False)
    if done.returncode:
        raise EditorbotError(
            f"preparing {', '.join(given.songs) or 'the songs'} failed: the log above says where"
        )


if __name__ == "__main__":
    from editorbot.pointer_network.doors import run

    run(main)
