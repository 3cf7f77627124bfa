"""Learned editing on songs never heard, beside trivial baselines: all tables in one run.

    python benchmarks/learning.py --tracks data/reference --work build/learning
    python benchmarks/learning.py --counts 60 --seeds 1 --models path --sets played_again
    python benchmarks/learning.py --show

Jams are simulated from finished tracks, every fourth of which is kept for the test; an editor with
one habit cuts them: `copies` and `played_again` differ in the repeats, `arranger` is another editor
of the same raws as `played_again`; in `sessions` bands play whole songs several times, and in
`takes` those of demo songs play each take by hand again. The pipeline itself prepares them, so that
what is learned is the edit list that the alignment recovers. A network is trained for each number
of raws, seed and kind of model, decodes freely, and is scored against the person's edit; so are the
weights that come with editorbot, which learned from none of these jams. What was measured before in
the same folder is not measured again; `--show` measures nothing more. A curve over the numbers of
raws is drawn beside the JSON.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

import numpy as np
from learning_curve import counts_of, draw
from learning_jams import SETS, TEST_EVERY, Jam, JamSet, held_out, make_jams, prepare, song_files
from learning_oracle import oracle_edit
from rich.console import Console
from rich.table import Table

from editorbot.audio.sources import source_of
from editorbot.audio.store import open_array
from editorbot.edl.model import Edit
from editorbot.edl.serialize import read_edit
from editorbot.evaluate.intervals import interval
from editorbot.evaluate.pointer import score_systems
from editorbot.evaluate.summary import SongScore
from editorbot.files import write_json
from editorbot.params import Params
from editorbot.pointer_network.path.pretrained import BUNDLED
from editorbot.pointer_network.propose import load_editor, propose_from_features
from editorbot.pointer_network.train import train_pointer
from editorbot.progress import track

MODELS = {
    "path": {"model": "path", "path": {"pretrained": "none"}},
    "path, pretrained": {"model": "path"},
    "path, stems": {"model": "path", "stems": True},
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
    ("copies", 0): (0.92, 0.72),
    ("played_again", 0): (0.90, 0.68),
}
MEASURES = (
    "keep_f1",
    "cut_f1_500ms",
    "cut_f1_100ms",
    "cut_error_s",
    "length_error",
    "order_tau",
    "loops_f1",
)
ORACLES = {f"oracle of {name}": given for name, given in MODELS.items() if "," not in name}
PRACTISED = "practice alone"
VALIDATION_SHARE = 0.15


class Workspace(NamedTuple):
    """A set of jams, and the folder in which the pipeline works on them."""

    name: str
    folder: Path


@dataclass(frozen=True)
class Row:
    """What one system reached on one test song."""

    jams: str
    """Name of the set."""
    system: str
    raws: int
    seed: int
    song: str
    measures: dict[str, float]
    dropped: dict[str, float]


def main() -> None:
    """Make the jams, train, score, print."""
    given = _arguments()
    rows = _measured_before(given) if given.show else _measured(given)
    _print(rows)
    written = [asdict(row) for row in rows]
    write_json(given.output, written)
    for name in given.sets:
        if len(counts_of(written, jams=name)) > 1:
            draw(written, given.output.with_name(f"{given.output.stem}_{name}.png"), jams=name)


def _measured(given: argparse.Namespace) -> list[Row]:
    tracks = sorted(
        path for path in given.tracks.rglob("*") if path.suffix in (".ogg", ".flac", ".wav")
    )
    recorded = [name for name in given.sets if not SETS[name].played]
    if recorded and len(tracks) < 2 * TEST_EVERY:
        sys.exit(f"{given.tracks} holds {len(tracks)} tracks, expected {2 * TEST_EVERY} or more")
    rows: list[Row] = []
    for name in given.sets:
        workspace = Workspace(name, given.work / name)
        jams = make_jams(tracks, workspace.folder, set_name=name, raws=max(given.counts))
        prepare(workspace.folder, stems="path, stems" in given.models)
        rows += _baselines(workspace, jams)
        rows += _practised(workspace, jams)
        runs = product(given.counts, given.models, range(given.seeds))
        for count, model, seed in runs:
            rows += _trained(workspace, jams, count, model, seed)
    return rows


def _measured_before(given: argparse.Namespace) -> list[Row]:
    files = [
        path for name in given.sets for path in (given.work / name / "measured").glob("*.json")
    ]
    if not files:
        sys.exit(f"nothing has been measured in {given.work} yet: run without --show")
    rows = [row for path in sorted(files) for row in _load(path)]
    return sorted(rows, key=lambda row: row.raws)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tracks", type=Path, default=Path("data/reference"))
    parser.add_argument("--work", type=Path, default=Path("build/learning"))
    parser.add_argument("--counts", type=int, nargs="+", default=[60, 30, 10])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument(
        "--show",
        action="store_true",
        help="print all that was measured before, whatever the counts, models and seeds",
    )
    parser.add_argument("--output", type=Path, default=Path("results/metrics/learning.json"))
    return parser.parse_args()


def _baselines(workspace: Workspace, jams: Sequence[Jam]) -> list[Row]:
    """Trivial edits, and what each model makes of the person's own edit."""
    cache = workspace.folder / "measured/baselines.json"
    if not cache.exists():
        songs = [held_out(workspace.folder, jam) for jam in jams if jam.is_test]
        params = Params()
        oracles = {
            name: {song.name: oracle_edit(song.human, Params(pointer=given)) for song in songs}
            for name, given in ORACLES.items()
        }
        scores = score_systems(songs, oracles, params=params.evaluate, mel=params.mel)
        _store(cache, [_row(score, workspace, 0, 0) for score in scores])
    return _load(cache)


def _practised(workspace: Workspace, jams: Sequence[Jam]) -> list[Row]:
    """What the weights that come with editorbot do without any pair, of another simulation."""
    cache = workspace.folder / "measured/practice.json"
    if not cache.exists():
        tests = [jam for jam in jams if jam.is_test]
        edits = {PRACTISED: dict(_proposals(workspace.folder, tests, BUNDLED))}
        _store(cache, _scored(workspace, tests, edits, 0, 0))
    return _load(cache)


def _trained(
    workspace: Workspace, jams: Sequence[Jam], count: int, model: str, seed: int
) -> list[Row]:
    name, folder = f"{model.replace(', ', '-')}-{count}-{seed}", workspace.folder
    cache = folder / f"measured/{name}.json"
    if not cache.exists():
        params = Params(pointer={**MODELS[model], "seed": seed})
        train, validation = _split([jam for jam in jams if not jam.is_test][:count], seed)
        started = time.process_time()
        result = train_pointer(
            [song_files(folder, jam, stems=params.pointer.stems) for jam in train],
            [song_files(folder, jam, stems=params.pointer.stems) for jam in validation],
            params=params.pointer,
            mel=params.mel,
            stems=params.stems,
            decode=params.decode,
            directory=folder / "models" / name,
            log_directory=folder / "logs" / name,
        )
        print(f"{workspace.name}, {name}: trained in {time.process_time() - started:.0f} CPU s")
        tests = [jam for jam in jams if jam.is_test]
        edits = {model: dict(_proposals(folder, tests, result.best))}
        rows = _scored(workspace, tests, edits, count, seed)
        for other in _other_editors(workspace, tests):
            rows += [
                replace(row, jams=workspace.name, system=f"{model}, against {other.name}")
                for row in _scored(other, tests, edits, count, seed)
            ]
        _store(cache, rows)
    return _load(cache)


def _scored(
    workspace: Workspace,
    tests: Sequence[Jam],
    edits: dict[str, dict[str, Edit]],
    count: int,
    seed: int,
) -> list[Row]:
    songs = [held_out(workspace.folder, jam) for jam in tests]
    params = Params()
    scores = score_systems(songs, edits, params=params.evaluate, mel=params.mel)
    return [_row(score, workspace, count, seed) for score in scores if score.learned]


def _other_editors(workspace: Workspace, tests: Sequence[Jam]) -> Iterator[Workspace]:
    """Other prepared sets that hold other edits of the same raws."""
    for name, jam_set in SETS.items():
        other = Workspace(name, workspace.folder.parent / name)
        same = _raws(jam_set) == _raws(SETS[workspace.name]) and name != workspace.name
        features = other.folder / "results/features"
        if same and all((features / f"{jam.name}_raw.zarr.zip").exists() for jam in tests):
            yield other


def _raws(jam_set: JamSet) -> tuple[dict[str, str | float], bool]:
    habits = {name: value for name, value in jam_set.habits.items() if name != "editor"}
    return habits, jam_set.played


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
        files = song_files(workspace, jam, stems=editor.stems is not None)
        mel = open_array(files.mel, "mel")
        stems = open_array(files.stems_mel, "mel") if files.stems_mel else None
        human = read_edit(workspace / f"data/truth/{jam.name}_edit.json")
        source = source_of(workspace / f"data/input/{jam.name}_raw.wav")
        assert source.samples == human.sources[0].samples
        yield jam.name, propose_from_features(editor, mel, stems, sources=human.sources)[0]


def _row(score: SongScore, workspace: Workspace, count: int, seed: int) -> Row:
    measures, dropped = asdict(score.measures), dict(score.dropped)
    return Row(
        workspace.name, score.system, count, seed, score.song, _known(measures), _known(dropped)
    )


def _known(values: dict[str, float]) -> dict[str, float]:
    return {name: float(value) for name, value in values.items() if not np.isnan(value)}


def _store(path: Path, rows: Sequence[Row]) -> None:
    write_json(path, [asdict(row) for row in rows])


def _load(path: Path) -> list[Row]:
    return [Row(**row) for row in json.loads(path.read_text())]


def _print(rows: Sequence[Row]) -> None:
    console = Console(width=200)
    for name in dict.fromkeys(row.jams for row in rows):
        here = [row for row in rows if row.jams == name]
        table = Table(title=f"{name}: means over songs and seeds, 95 % over songs")
        for heading in ("system", "raws", "seeds", *MEASURES, "asked: keep, cut"):
            table.add_column(heading, justify="left" if heading == "system" else "right")
        causes = Table(title=f"{name}: share of what was dropped that is dropped too")
        names = sorted({cause for row in here for cause in row.dropped})
        for heading in ("system", "raws", *names):
            causes.add_column(heading, justify="left" if heading == "system" else "right")
        for system, raws in dict.fromkeys((row.system, row.raws) for row in here):
            mine = [row for row in here if (row.system, row.raws) == (system, raws)]
            learned = raws or system == PRACTISED
            asked = REACH.get((name, raws)) if learned else None
            cells = [_cell(mine, measure) for measure in MEASURES]
            seeds = len({row.seed for row in mine})
            table.add_row(
                system,
                str(raws or ""),
                str(seeds),
                *cells,
                f"{asked[0]}, {asked[1]}" if asked else "",
            )
            shares = [[r.dropped[cause] for r in mine if cause in r.dropped] for cause in names]
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
