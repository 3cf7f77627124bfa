"""Train by hand: `python -m editorbot.pointer_network.trainers.pointer_trainer --config FILE`.

The same function as the pipeline's step train_pointer, on songs that are prepared already; with
`--resume` it goes on from a checkpoint.
"""

import argparse
from pathlib import Path

from editorbot.corpus.splits import read_splits
from editorbot.errors import EditorbotError
from editorbot.params import load_params
from editorbot.pointer_network.songs import SongFiles
from editorbot.pointer_network.train import TrainResult, train_pointer

RESULTS = Path("results")


def prepared_song(name: str, results: Path, *, stems: bool) -> SongFiles:
    """The files of a prepared song.

    Raises:
        EditorbotError: One of them is missing.
    """
    song = SongFiles(
        name,
        mel=results / "features" / f"{name}_raw.zarr.zip",
        pointers=results / "pointers" / f"{name}_pointers.npy",
        ops=results / "pointers" / f"{name}_ops.npy",
        stems_mel=results / "stems_mel" / f"{name}_raw.zarr.zip" if stems else None,
    )
    for path in (song.mel, song.pointers, song.ops, song.stems_mel):
        if path is not None and not path.exists():
            raise EditorbotError(
                f"song {name}: {path} does not exist: run `snakemake --cores all prepare` first"
            )
    return song


def train_prepared(
    config: Path, *, results: Path = RESULTS, resume: Path | None = None
) -> TrainResult:
    """Train on the songs below `results` that its splits name, with the params of `config`."""
    params = load_params(config)
    splits = read_splits(results / "splits.json")
    stems = params.pointer.stems and params.stems.model != "off"
    train, validation = (
        [prepared_song(name, results, stems=stems) for name in names]
        for names in (splits.train, splits.validation)
    )
    return train_pointer(
        train,
        validation,
        params=params.pointer,
        mel=params.mel,
        stems=params.stems,
        decode=params.decode,
        directory=results / "models" / "pointer_network",
        log_directory=results / "logs" / "pointer_network",
        resume=resume,
    )


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m editorbot.pointer_network.trainers.pointer_trainer",
        description="Train the pointer network on the prepared songs below results/.",
        epilog="example: python -m editorbot.pointer_network.trainers.pointer_trainer "
        "--config params.yaml --resume results/models/pointer_network/latest",
    )
    parser.add_argument("--config", type=Path, default=Path("params.yaml"))
    parser.add_argument("--resume", type=Path, help="folder of a latest checkpoint to go on from")
    given = parser.parse_args(arguments)
    result = train_prepared(given.config, resume=given.resume)
    print(f"{result.best}\n{result.latest}")


if __name__ == "__main__":
    from editorbot.pointer_network.doors import run

    run(main)
