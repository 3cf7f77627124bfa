"""Learned editing on songs never heard, beside trivial baselines: all tables in one run.

    python benchmarks/learning.py --tracks data/reference --work build/learning
    python benchmarks/learning.py --counts 60 --seeds 1 --models path --repeats played_again

Jams are simulated from finished tracks, every fourth of which is kept for the test; an editor with
one habit cuts them. The pipeline itself prepares them, so that what is learned is the edit list
that the alignment recovers. A network is trained for each number of raws, seed and kind of model,
decodes freely, and is scored against the person's edit. What was measured before in the same folder
is not measured again.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from statistics import fmean

import numpy as np
import yaml
from rich.console import Console
from rich.table import Table

from editorbot.audio.sources import source_of
from editorbot.audio.store import open_array
from editorbot.corpus.simulate import simulate
from editorbot.edl.serialize import read_edit
from editorbot.evaluate.intervals import interval
from editorbot.evaluate.pointer import HeldOutSong, score_systems
from editorbot.evaluate.summary import SongScore
from editorbot.files import write_json
from editorbot.params import Params, SimulateParams
from editorbot.pointer_network.data import SongFiles
from editorbot.pointer_network.propose import load_editor, propose_from_features
from editorbot.pointer_network.train import train_pointer
from editorbot.progress import track

HERE = Path(__file__).resolve().parents[1]
REPEATS = ("copies", "played_again")
MODELS = {
    "path": {"model": "path", "path": {"pretrained": "none"}},
    "path, pretrained": {"model": "path"},
    "v2-running": {"model": "v2", "expected_position": "running"},
    "v2-linear": {"model": "v2", "expected_position": "linear"},
}
REACH = {
    ("copies", 60): (0.975, 0.89),
    ("copies", 30): (0.965, 0.86),
    ("copies", 10): (0.95, 0.80),
    ("played_again", 60): (0.95, 0.83),
    ("played_again", 30): (0.94, 0.80),
    ("played_again", 10): (0.92, 0.74),
}
MEASURES = ("keep_f1", "cut_f1_500ms", "cut_f1_100ms", "cut_error_s", "length_error")
JAMS_PER_TEST_TRACK, TEST_EVERY = 4, 4
VALIDATION_SHARE = 0.15
HABITS = SimulateParams(level="splice", vamp_keep_share=0.0)


@dataclass(frozen=True)
class Jam:
    """One song of a workspace."""

    name: str
    track: int
    is_test: bool


@dataclass(frozen=True)
class Row:
    """What one system reached on one test song."""

    repeats: str
    system: str
    raws: int
    seed: int
    song: str
    measures: dict[str, float]
    dropped: dict[str, float]


def main() -> None:
    """Make the jams, train, score, print."""
    given = _arguments()
    tracks = sorted(
        path for path in given.tracks.rglob("*") if path.suffix in (".ogg", ".flac", ".wav")
    )
    if len(tracks) < 2 * TEST_EVERY:
        sys.exit(f"{given.tracks} holds {len(tracks)} tracks, expected {2 * TEST_EVERY} or more")
    rows: list[Row] = []
    for repeats in given.repeats:
        workspace = given.work / repeats
        jams = _jams(tracks, workspace, repeats=repeats, raws=max(given.counts))
        _prepare(workspace)
        rows += _baselines(workspace, jams, repeats)
        runs = product(given.counts, given.models, range(given.seeds))
        for count, model, seed in runs:
            rows += _trained(workspace, jams, repeats, count, model, seed)
    _print(rows)
    write_json(Path(given.output), [asdict(row) for row in rows])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tracks", type=Path, default=Path("data/reference"))
    parser.add_argument("--work", type=Path, default=Path("build/learning"))
    parser.add_argument("--counts", type=int, nargs="+", default=[60, 30, 10])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--repeats", nargs="+", choices=REPEATS, default=list(REPEATS))
    parser.add_argument("--output", default="results/metrics/learning.json")
    return parser.parse_args()


def _jams(tracks: Sequence[Path], workspace: Path, *, repeats: str, raws: int) -> list[Jam]:
    """Simulate what is missing: `raws` jams to learn from, and those of the test tracks."""
    test = [n for n in range(len(tracks)) if n % TEST_EVERY == 1]
    learned = [n for n in range(len(tracks)) if n not in test]
    wanted = [(learned[k % len(learned)], k // len(learned), False) for k in range(raws)]
    wanted += [(n, k, True) for n in test for k in range(JAMS_PER_TEST_TRACK)]
    params = HABITS.model_copy(update={"repeats": repeats})
    jams = []
    for number, seed, is_test in track(wanted, f"Simulating jams, {repeats}"):
        # A track's jams are versions of one song.
        jam = Jam(f"{'test' if is_test else 'train'}-{number:02d}-{seed}", number, is_test)
        raw = workspace / "data/input" / f"{jam.name}_raw.wav"
        if not raw.exists():
            simulate(tracks[number], workspace / "data", song=jam.name, seed=seed, params=params)
        jams.append(jam)
    return jams


def _prepare(workspace: Path) -> None:
    params = yaml.safe_load((HERE / "params.yaml").read_text())
    params["stems"]["model"] = "off"
    (workspace / "params.yaml").write_text(yaml.safe_dump(params))
    command = ["snakemake", "--snakefile", str(HERE / "Snakefile"), "--directory", str(workspace)]
    command += ["--cores", str(os.cpu_count()), "prepare"]
    subprocess.run(command, check=True, cwd=HERE)


def _files(workspace: Path, jam: Jam) -> SongFiles:
    results = workspace / "results"
    return SongFiles(
        jam.name,
        mel=results / f"features/{jam.name}_raw.zarr.zip",
        pointers=results / f"pointers/{jam.name}_pointers.npy",
        ops=results / f"pointers/{jam.name}_ops.npy",
    )


def _held_out(workspace: Path, jam: Jam) -> HeldOutSong:
    """The person's edit is the true one here: what is scored does not depend on the alignment."""
    truth = workspace / "data/truth"
    human = read_edit(truth / f"{jam.name}_edit.json")
    return HeldOutSong(
        jam.name,
        human,
        workspace / f"results/decode/{jam.name}_raw.zarr.zip",
        workspace / f"results/features/{jam.name}_raw.zarr.zip",
        truth / f"{jam.name}_causes.json",
    )


def _baselines(workspace: Path, jams: Sequence[Jam], repeats: str) -> list[Row]:
    cache = workspace / "measured/baselines.json"
    if not cache.exists():
        songs = [_held_out(workspace, jam) for jam in jams if jam.is_test]
        params = Params()
        scores = score_systems(songs, {}, params=params.evaluate, mel=params.mel)
        _store(cache, [_row(score, repeats, 0, 0) for score in scores])
    return _load(cache)


def _trained(
    workspace: Path, jams: Sequence[Jam], repeats: str, count: int, model: str, seed: int
) -> list[Row]:
    name = f"{model.replace(', ', '-')}-{count}-{seed}"
    cache = workspace / f"measured/{name}.json"
    if not cache.exists():
        params = Params(pointer={**MODELS[model], "seed": seed})
        train, validation = _split([jam for jam in jams if not jam.is_test][:count], seed)
        started = time.process_time()
        result = train_pointer(
            [_files(workspace, jam) for jam in train],
            [_files(workspace, jam) for jam in validation],
            params=params.pointer,
            mel=params.mel,
            stems=params.stems,
            decode=params.decode,
            directory=workspace / "models" / name,
            log_directory=workspace / "logs" / name,
        )
        print(f"{repeats}, {name}: trained in {time.process_time() - started:.0f} CPU s")
        tests = [jam for jam in jams if jam.is_test]
        edits = dict(_proposals(workspace, tests, result.best))
        songs = [_held_out(workspace, jam) for jam in tests]
        scores = score_systems(songs, {model: edits}, params=params.evaluate, mel=params.mel)
        learned = [score for score in scores if score.learned]
        _store(cache, [_row(score, repeats, count, seed) for score in learned])
    return _load(cache)


def _split(jams: Sequence[Jam], seed: int) -> tuple[list[Jam], list[Jam]]:
    """Some tracks' jams choose the epoch and the decoding."""
    numbers = np.random.default_rng(seed).permutation(sorted({jam.track for jam in jams}))
    chosen = set(numbers[: max(1, round(VALIDATION_SHARE * len(numbers)))].tolist())
    return (
        [jam for jam in jams if jam.track not in chosen],
        [jam for jam in jams if jam.track in chosen],
    )


def _proposals(workspace: Path, jams: Sequence[Jam], checkpoint: Path) -> Iterator[tuple]:
    editor = load_editor(checkpoint)
    for jam in track(jams, "Proposing edits"):
        mel = open_array(_files(workspace, jam).mel, "mel")
        human = read_edit(workspace / f"data/truth/{jam.name}_edit.json")
        source = source_of(workspace / f"data/input/{jam.name}_raw.wav")
        assert source.samples == human.sources[0].samples
        yield jam.name, propose_from_features(editor, mel, None, sources=human.sources)[0]


def _row(score: SongScore, repeats: str, count: int, seed: int) -> Row:
    measures, dropped = asdict(score.measures), dict(score.dropped)
    return Row(repeats, score.system, count, seed, score.song, _known(measures), _known(dropped))


def _known(values: dict[str, float]) -> dict[str, float]:
    return {name: float(value) for name, value in values.items() if not np.isnan(value)}


def _store(path: Path, rows: Sequence[Row]) -> None:
    write_json(path, [asdict(row) for row in rows])


def _load(path: Path) -> list[Row]:
    return [Row(**row) for row in json.loads(path.read_text())]


def _print(rows: Sequence[Row]) -> None:
    console = Console(width=150)
    for repeats in sorted({row.repeats for row in rows}):
        here = [row for row in rows if row.repeats == repeats]
        table = Table(title=f"repeats: {repeats}; means over songs and seeds, 95 % over songs")
        for heading in ("system", "raws", "seeds", *MEASURES, "asked: keep, cut"):
            table.add_column(heading, justify="left" if heading == "system" else "right")
        causes = Table(title=f"repeats: {repeats}; share of what was dropped that is dropped too")
        names = sorted({cause for row in here for cause in row.dropped})
        for heading in ("system", "raws", *names):
            causes.add_column(heading, justify="left" if heading == "system" else "right")
        for system, raws in dict.fromkeys((row.system, row.raws) for row in here):
            mine = [row for row in here if (row.system, row.raws) == (system, raws)]
            asked = REACH.get((repeats, raws))
            cells = [_cell(mine, measure) for measure in MEASURES]
            seeds = len({row.seed for row in mine})
            table.add_row(
                system,
                str(raws or ""),
                str(seeds),
                *cells,
                f"{asked[0]}, {asked[1]}" if asked else "",
            )
            shares = [[r.dropped[name] for r in mine if name in r.dropped] for name in names]
            causes.add_row(
                system, str(raws or ""), *(f"{fmean(x):.2f}" if x else "" for x in shares)
            )
        console.print(table, causes)


def _cell(rows: Sequence[Row], measure: str) -> str:
    """The mean over songs of the means over seeds, and how far it reaches."""
    by_song: dict[str, list[float]] = {}
    for row in rows:
        if measure in row.measures:
            by_song.setdefault(row.song, []).append(row.measures[measure])
    found = interval(map(fmean, by_song.values()))
    return f"{found.mean:.3f} ({found.low:.2f}-{found.high:.2f})"


if __name__ == "__main__":
    main()
