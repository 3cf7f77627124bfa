"""Jams for `benchmarks/learning.py`: simulated from tracks, prepared by the pipeline."""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import yaml

from editorbot.corpus.demo import demo_songs, render_renditions
from editorbot.corpus.simulate import simulate
from editorbot.corpus.simulation.renditions import list_of_renditions
from editorbot.edl.serialize import read_edit
from editorbot.evaluate.pointer import HeldOutSong
from editorbot.params import SimulateParams
from editorbot.pointer_network.songs import SongFiles
from editorbot.progress import track

HERE = Path(__file__).resolve().parents[1]
HABITS = SimulateParams(level="splice", vamp_keep_share=0.0)


class JamSet(NamedTuple):
    """What sets the jams of a set apart."""

    habits: dict[str, str | float]
    played: bool = False
    """Whether bands play each take, of a demo song; else takes repeat a recorded track's sound."""


SETS = {
    "copies": JamSet({"repeats": "copies"}),
    "played_again": JamSet({"repeats": "played_again"}),
    # Of the same raws, by an editor of other habits.
    "arranger": JamSet({"repeats": "played_again", "editor": "arranger"}),
    # Takes of whole songs, minutes apart.
    "sessions": JamSet(
        {
            "repeats": "played_again",
            "retake_share": 0.5,
            "break_share": 0.15,
            "spoiled_take_share": 0.15,
            "max_track_s": 120.0,
        }
    ),
    "takes": JamSet({"repeats": "played_again"}, played=True),
}
JAMS_PER_TEST_TRACK, TEST_EVERY, RENDITIONS = 4, 4, 4


@dataclass(frozen=True)
class Jam:
    """One song of a workspace."""

    name: str
    track: int
    is_test: bool


def make_jams(tracks: Sequence[Path], workspace: Path, *, set_name: str, raws: int) -> list[Jam]:
    """Simulate what is missing: `raws` jams to learn from, and those of the test tracks.

    Tracks that bands play are demo songs, which nothing that comes with editorbot learned from.
    """
    if SETS[set_name].played:
        tracks = _played_tracks(workspace / "tracks")
    test = [n for n in range(len(tracks)) if n % TEST_EVERY == 1]
    learned = [n for n in range(len(tracks)) if n not in test]
    wanted = [(learned[k % len(learned)], k // len(learned), False) for k in range(raws)]
    wanted += [(n, k, True) for n in test for k in range(JAMS_PER_TEST_TRACK)]
    params = HABITS.model_copy(update=SETS[set_name].habits)
    jams = []
    for number, seed, is_test in track(wanted, f"Simulating jams, {set_name}"):
        # A track's jams are versions of one song.
        jam = Jam(f"{'test' if is_test else 'train'}-{number:02d}-{seed}", number, is_test)
        raw = workspace / "data/input" / f"{jam.name}_raw.wav"
        if not raw.exists():
            listed = list_of_renditions(tracks[number])
            simulate(
                tracks[number],
                workspace / "data",
                song=jam.name,
                seed=seed,
                params=params,
                renditions=listed if listed.exists() else None,
            )
        jams.append(jam)
    return jams


def _played_tracks(folder: Path) -> list[Path]:
    paths = [folder / f"{song.name}.flac" for song in demo_songs()]
    for song, path in track(list(zip(demo_songs(), paths, strict=True)), "Playing demo songs"):
        if not list_of_renditions(path).exists():  # which is written last
            render_renditions(song, path, renditions=RENDITIONS)
    return paths


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
