"""Jams for `benchmarks/learning.py`: simulated from finished tracks, prepared by the pipeline."""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from editorbot.corpus.simulate import simulate
from editorbot.edl.serialize import read_edit
from editorbot.evaluate.pointer import HeldOutSong
from editorbot.params import SimulateParams
from editorbot.pointer_network.songs import SongFiles
from editorbot.progress import track

HERE = Path(__file__).resolve().parents[1]
HABITS = SimulateParams(level="splice", vamp_keep_share=0.0)
SETS = {
    "copies": {"repeats": "copies"},
    "played_again": {"repeats": "played_again"},
    # Of the same raws, by an editor of other habits.
    "arranger": {"repeats": "played_again", "editor": "arranger"},
}
JAMS_PER_TEST_TRACK, TEST_EVERY = 4, 4


@dataclass(frozen=True)
class Jam:
    """One song of a workspace."""

    name: str
    track: int
    is_test: bool


def make_jams(tracks: Sequence[Path], workspace: Path, *, set_name: str, raws: int) -> list[Jam]:
    """Simulate what is missing: `raws` jams to learn from, and those of the test tracks."""
    test = [n for n in range(len(tracks)) if n % TEST_EVERY == 1]
    learned = [n for n in range(len(tracks)) if n not in test]
    wanted = [(learned[k % len(learned)], k // len(learned), False) for k in range(raws)]
    wanted += [(n, k, True) for n in test for k in range(JAMS_PER_TEST_TRACK)]
    params = HABITS.model_copy(update=SETS[set_name])
    jams = []
    for number, seed, is_test in track(wanted, f"Simulating jams, {set_name}"):
        # A track's jams are versions of one song.
        jam = Jam(f"{'test' if is_test else 'train'}-{number:02d}-{seed}", number, is_test)
        raw = workspace / "data/input" / f"{jam.name}_raw.wav"
        if not raw.exists():
            simulate(tracks[number], workspace / "data", song=jam.name, seed=seed, params=params)
        jams.append(jam)
    return jams


def prepare(workspace: Path, *, stems: bool) -> None:
    """Bring the workspace up to date: features, and the edit lists that the alignment recovers."""
    params = yaml.safe_load((HERE / "params.yaml").read_text())
    params["stems"]["model"] = "mini" if stems else "off"
    (workspace / "params.yaml").write_text(yaml.safe_dump(params))
    command = ["snakemake", "--snakefile", str(HERE / "Snakefile"), "--directory", str(workspace)]
    command += ["--cores", str(os.cpu_count()), "prepare"]
    subprocess.run(command, check=True, cwd=HERE)


def song_files(workspace: Path, jam: Jam, *, stems: bool) -> SongFiles:
    """What is learned from."""
    results = workspace / "results"
    return SongFiles(
        jam.name,
        mel=results / f"features/{jam.name}_raw.zarr.zip",
        pointers=results / f"pointers/{jam.name}_pointers.npy",
        ops=results / f"pointers/{jam.name}_ops.npy",
        stems_mel=results / f"stems_mel/{jam.name}_raw.zarr.zip" if stems else None,
    )


def held_out(workspace: Path, jam: Jam) -> HeldOutSong:
    """The person's edit is the true one here: what is scored does not depend on the alignment."""
    truth = workspace / "data/truth"
    return HeldOutSong(
        jam.name,
        read_edit(truth / f"{jam.name}_edit.json"),
        workspace / f"results/decode/{jam.name}_raw.zarr.zip",
        workspace / f"results/features/{jam.name}_raw.zarr.zip",
        truth / f"{jam.name}_causes.json",
    )
