"""Alignment beside other aligners: the same pairs with known edit lists, all in one run.

    python benchmarks/alignment.py --music data/reference --pairs 2
    python benchmarks/alignment.py --music data/reference --curve 5 15 60 180

Pairs come from finished tracks by two generators, `editorbot simulate` and one that shares no code
with it (alignment_lists.py, alignment_sound.py), at four levels, in a development set and a blind
one: other tracks, other seeds. Each aligner runs in a process of its own with one thread and a time
limit. Times are CPU seconds without imports and compilation, since other work on a machine would
count otherwise; memory is the process's peak. A pair that an aligner fails on counts as nothing
found.

The other aligners need an environment of their own, as one of them asks for an older numpy:

    uv venv --python 3.11 build/peers
    uv pip install --python build/peers/bin/python -r requirements-benchmark.lock
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from statistics import median

import numpy as np
from alignment_pairs import LEVELS, Pair, long_pair, random_pair, simulated_pair

from editorbot.audio import io
from editorbot.edl.frames import NO_SOURCE, from_pointers
from editorbot.edl.model import Edit
from editorbot.edl.serialize import read_edit, write_edit
from editorbot.evaluate.alignment import GRID, AlignmentScores, cut_errors_s, score_alignment
from editorbot.progress import track

HERE = Path(__file__).parent
PEERS = {
    "librosa-dtw": "one passage of the raw, in order: no loops, no reorders, no foreign sound, "
    "no reverse, no gains or fades; speed only as a path that is not straight",
    "librosa-dtw-windows": "nothing shorter than its window of 2 s is told apart; no foreign "
    "sound, no reverse, no pitch, no gains or fades",
    "synctoolbox": "both recordings from beginning to end: nothing left out, no loops, no "
    "reorders, no foreign sound, no reverse, no gains or fades",
    "audalign": "one offset per window of 6 s: no speed, no reverse, no pitch, no foreign sound, "
    "no gains or fades",
    "audio-offset-finder": "one offset of 16 ms steps per window of 6 s: no speed, no reverse, no "
    "pitch, no foreign sound, no gains or fades",
}
OURS = "editorbot"
SETS = ("development", "blind")
GENERATORS = ("simulate", "random")
BLIND_SEEDS = 1_000_000
EXACT = ("splice", "arranged")
"""Levels at which the list says all that was done, so that a null test means something."""
OFFSET_TOLERANCE_S = 0.035
RECENT_FRAMES = 40
SHORTEST_RUN_S = 0.15
TRUTH_NULL_DB = -80.0


@dataclass(frozen=True)
class Case:
    """One pair to make: which set, generator, level and seed, from which tracks."""

    set: str
    generator: str
    level: str
    seed: int
    track: Path
    other: Path


@dataclass(frozen=True)
class Outcome:
    """What one aligner made of one pair; `failure` says why there are no scores."""

    case: Case
    system: str
    failure: str | None = None
    scores: AlignmentScores | None = None
    errors_s: list[float] = field(default_factory=list)
    speed: float | None = None
    peak_gb: float | None = None


def cases(arguments: argparse.Namespace) -> list[Case]:
    """All pairs to make; even tracks are for development, odd ones blind."""
    tracks = sorted(p for p in arguments.music.rglob("*") if p.suffix in (".ogg", ".flac", ".wav"))
    if len(tracks) < 2:
        sys.exit(f"expected at least two tracks in {arguments.music}, got {len(tracks)}")
    found = []
    for name in SETS if arguments.set == "both" else (arguments.set,):
        own = tracks[SETS.index(name) :: 2]
        first = arguments.seed + BLIND_SEEDS * SETS.index(name)
        for generator in GENERATORS if arguments.generator == "both" else (arguments.generator,):
            for level in arguments.levels:
                for number in range(arguments.pairs):
                    at = number + LEVELS.index(level) + 2 * GENERATORS.index(generator)
                    chosen = own[at % len(own)], own[(at + 1) % len(own)]
                    found.append(Case(name, generator, level, first + number, *chosen))
    return found


def make(case: Case, folder: Path, seconds: float) -> Pair:
    form = {"level": case.level, "seed": case.seed, "seconds": seconds}
    if case.generator == "simulate":
        return simulated_pair(case.track, folder, **form)
    pair = random_pair(case.track, case.other, folder, **form)
    if case.level in EXACT:
        scores = score_alignment(pair.truth, pair.truth, raw=pair.raw, edited=pair.edit)
        if scores.null_test_db > TRUTH_NULL_DB:
            sys.exit(f"{case}: the true list leaves {scores.null_test_db:.0f} dB")
    return pair


def run(system: str, pair: Pair, folder: Path, arguments: argparse.Namespace) -> tuple[Edit, dict]:
    """The list that an aligner finds, and its CPU seconds and peak memory.

    Raises:
        RuntimeError: It failed; says why.
    """
    output = folder / f"{system}{'.json' if system == OURS else '.npy'}"
    if system == OURS:
        command = [sys.executable, HERE / "alignment_worker.py", pair.raw, pair.edit, output]
    else:
        sides = [as_wav(path, folder) for path in (pair.raw, pair.edit)]
        command = [arguments.peer_python, HERE / "alignment_peers.py", system, *sides, output]
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    try:
        done = subprocess.run(
            [str(part) for part in command],
            env=os.environ | threads,
            capture_output=True,
            text=True,
            timeout=arguments.time_limit,
        )
    except subprocess.TimeoutExpired as error:
        raise RuntimeError(f"longer than {arguments.time_limit:g} s") from error
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit {done.returncode}"]
        raise RuntimeError(lines[-1])
    cost = json.loads(done.stdout.strip().splitlines()[-1])
    if system == OURS:
        return read_edit(output), cost
    return as_edit(np.load(output), pair.truth), cost


def as_wav(path: Path, folder: Path) -> Path:
    """What our decoder hears, as WAV, so that no peer is judged by its decoder."""
    if path.suffix == ".wav":
        return path
    copy = folder / f"{path.stem}.decoded.wav"
    if not copy.exists():
        info = io.probe(path)
        form = {"sample_rate": info.sample_rate, "channels": info.channels}
        io.write(copy, io.read_blocks(path), **form)
    return copy


def as_edit(path: np.ndarray, truth: Edit) -> Edit:
    """A peer's path, (N, 2) instants of edit and raw in seconds, as an edit list.

    At each frame of the edit the path's median says what is heard. Runs whose distance from raw to
    edit stays within `OFFSET_TOLERANCE_S` of its median over the last `RECENT_FRAMES` become
    segments of that distance; a run shorter than `SHORTEST_RUN_S`, or of the same distance as the
    run before, belongs to it.
    """
    frames = GRID.frames(truth.samples, sample_rate=truth.sample_rate)
    heard = _offsets_at_frames(path, frames)
    starts = [0]
    for frame in range(1, frames):
        # NaN beside NaN goes on, NaN beside a number does not.
        run = heard[max(starts[-1], frame - RECENT_FRAMES) : frame]
        nothing = np.isnan(heard[frame])
        away = abs(heard[frame] - np.median(run)) > OFFSET_TOLERANCE_S
        if nothing != np.isnan(run[-1]) or away:
            starts.append(frame)
    pieces = [heard[a:b] for a, b in pairwise([*starts, frames])]
    kept: list[tuple[int, float]] = []
    for start, piece in zip(starts, pieces, strict=True):
        middle = float(np.median(piece))
        if kept and len(piece) * GRID.seconds < SHORTEST_RUN_S:
            continue
        goes_on = kept and abs(middle - kept[-1][1]) <= OFFSET_TOLERANCE_S
        if not goes_on and not (kept and np.isnan(middle) and np.isnan(kept[-1][1])):
            kept.append((start, middle))
    pointers = np.full(frames, NO_SOURCE, dtype=np.int64)
    source = truth.sources[0]
    last = GRID.frames(source.samples, sample_rate=source.sample_rate) - 1
    stops = [*(start for start, _ in kept[1:]), frames]
    for (start, middle), stop in zip(kept, stops, strict=True):
        if not np.isnan(middle):
            first = start + round(middle / GRID.seconds)
            pointers[start:stop] = np.clip(first + np.arange(stop - start), 0, last)
    return from_pointers(
        pointers,
        GRID,
        sources=truth.sources,
        sample_rate=truth.sample_rate,
        samples=truth.samples,
    )


def _offsets_at_frames(path: np.ndarray, frames: int) -> np.ndarray:
    """(F,) seconds of raw minus edit at each frame: the median of those nearest to it."""
    nearest = np.round(path[:, 0] / GRID.seconds).astype(int)
    offsets = np.full(frames, np.nan)
    order = np.argsort(nearest, kind="stable")
    numbers, first = np.unique(nearest[order], return_index=True)
    for number, at in zip(numbers, np.split(order, first[1:]), strict=True):
        if 0 <= number < frames:
            offsets[number] = np.median(path[at, 1] - path[at, 0])
    said = np.flatnonzero(np.isin(np.arange(frames), numbers))
    between = said[np.abs(said[:, None] - np.arange(frames)).argmin(axis=0)]
    return offsets[between]


def compare(arguments: argparse.Namespace) -> list[Outcome]:
    outcomes = []
    wanted = cases(arguments)
    for case in track(wanted, "Aligning pairs"):
        with tempfile.TemporaryDirectory(prefix="editorbot-benchmark-") as name:
            folder = Path(name)
            pair = make(case, folder, arguments.seconds)
            for system in (OURS, *arguments.peers):
                outcomes.append(judge(case, system, pair, folder, arguments))
            if arguments.keep:
                keep(case, pair, folder, arguments.keep)
    return outcomes


def judge(
    case: Case, system: str, pair: Pair, folder: Path, arguments: argparse.Namespace
) -> Outcome:
    try:
        found, cost = run(system, pair, folder, arguments)
    except RuntimeError as error:
        print(f"{system} on {case.level}, {case.track.name}: {error}", file=sys.stderr)
        return Outcome(case, system, failure=str(error))
    null = pair.edit if case.level in EXACT else None
    scores = score_alignment(pair.truth, found, raw=pair.raw, edited=null)
    seconds = pair.truth.samples / pair.truth.sample_rate
    return Outcome(
        case,
        system,
        scores=scores,
        errors_s=cut_errors_s(pair.truth, found).tolist(),
        speed=seconds / cost["cpu_s"],
        peak_gb=cost["peak_gb"],
    )


def keep(case: Case, pair: Pair, folder: Path, shelf: Path) -> None:
    """Copy a pair with the lists to a folder, for a closer look."""
    place = shelf / f"{case.set}-{case.generator}-{case.level}-{case.seed}"
    place.mkdir(parents=True, exist_ok=True)
    for path in (pair.raw, pair.edit, *folder.glob("editorbot.json")):
        (place / path.name).write_bytes(path.read_bytes())
    write_edit(place / "truth.json", pair.truth)


HEADER = (
    f"{'level':9} {'aligner':20} {'pairs':>5} {'<=1 frame':>9} {'or repeat':>9} {'cut F1':>6} "
    f"{'cut error ms':>15} {'null test dB':>14} {'no-src F1':>9} {'x real':>7} {'GB':>5}"
)


def print_table(outcomes: list[Outcome], systems: list[str]) -> None:
    for name in SETS:
        for generator in GENERATORS:
            group = [o for o in outcomes if (o.case.set, o.case.generator) == (name, generator)]
            if not group:
                continue
            print(f"\n{name} set, pairs by {generator}\n{HEADER}")
            for level in LEVELS:
                for system in systems:
                    rows = [o for o in group if (o.case.level, o.system) == (level, system)]
                    if rows:
                        print(line(level, system, rows))


def line(level: str, system: str, rows: list[Outcome]) -> str:
    """Medians over pairs; where an aligner failed nothing was found."""

    def middle(value: Callable[[AlignmentScores], float | None]) -> float:
        return median(0.0 if row.scores is None else value(row.scores) for row in rows)

    errors_ms = 1000 * np.concatenate([row.errors_s for row in rows])
    percentiles = np.percentile(errors_ms, [50, 90]) if len(errors_ms) else (np.nan, np.nan)
    null = "-"
    if level in EXACT:
        decibels = [0.0 if row.scores is None else row.scores.null_test_db for row in rows]
        null = f"{median(decibels):.0f} / {max(decibels):.0f}"
    done = [row for row in rows if row.scores is not None]
    speed = f"{median(row.speed for row in done):.1f}" if done else "-"
    peak = f"{max(row.peak_gb for row in done):.2f}" if done else "-"
    failed = f"-{len(rows) - len(done)}" if len(done) < len(rows) else ""
    return (
        f"{level:9} {system:20} {len(rows)}{failed:>{5 - len(str(len(rows)))}} "
        f"{middle(lambda s: s.within_1):9.4f} {middle(lambda s: s.within_1_or_repeat):9.4f} "
        f"{middle(lambda s: s.cut_f1):6.3f} "
        f"{f'{percentiles[0]:.2f} / {percentiles[1]:.1f}':>15} {null:>14} "
        f"{middle(lambda s: s.no_source_f1):9.3f} {speed:>7} {peak:>5}"
    )


def print_limits(peers: list[str]) -> None:
    if peers:
        print("\nWhat they cannot say, whatever they find:")
    for peer in peers:
        print(f"  {peer}: {PEERS[peer]}")


def print_curve(arguments: argparse.Namespace) -> None:
    tracks = sorted(p for p in arguments.music.rglob("*") if p.suffix in (".ogg", ".flac", ".wav"))
    print(f"{'raw min':>8} {'edit min':>8} {'CPU s':>7} {'x real':>7} {'GB':>5} {'<=1 frame':>9}")
    for minutes in track(arguments.curve, "Aligning long recordings"):
        with tempfile.TemporaryDirectory(prefix="editorbot-benchmark-") as name:
            folder = Path(name)
            pair = long_pair(tracks, folder, minutes=minutes, seed=arguments.seed)
            seconds = pair.truth.samples / pair.truth.sample_rate
            try:
                found, cost = run(OURS, pair, folder, arguments)
            except RuntimeError as error:
                print(f"{minutes:8g} {seconds / 60:8.1f} {error}", flush=True)
                continue
            scores = score_alignment(pair.truth, found)
            print(
                f"{minutes:8g} {seconds / 60:8.1f} {cost['cpu_s']:7.1f} "
                f"{seconds / cost['cpu_s']:7.1f} {cost['peak_gb']:5.2f} {scores.within_1:9.4f}"
                f"   cut F1 {scores.cut_f1:.3f}",
                flush=True,
            )


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--music", type=Path, default=Path("data/reference"), help="folder")
    parser.add_argument("--pairs", type=int, default=2, help="per set, generator and level")
    parser.add_argument("--levels", nargs="+", choices=LEVELS, default=list(LEVELS))
    parser.add_argument("--set", choices=(*SETS, "both"), default="development")
    parser.add_argument("--generator", choices=(*GENERATORS, "both"), default="both")
    parser.add_argument(
        "--peers", nargs="+", default=["all"], choices=("all", "none", *PEERS), metavar="PEER"
    )
    parser.add_argument("--peer-python", type=Path, default=Path("build/peers/bin/python"))
    parser.add_argument("--seconds", type=float, default=80, help="of a track that are used")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--time-limit", type=float, default=600, help="seconds per alignment")
    parser.add_argument("--json", type=Path, help="write every outcome there")
    parser.add_argument("--keep", type=Path, help="copy the pairs and our lists there")
    parser.add_argument("--curve", type=float, nargs="+", metavar="MINUTES", help="of raw")
    arguments = parser.parse_args()
    if "all" in arguments.peers:
        arguments.peers = list(PEERS)
    if "none" in arguments.peers or arguments.curve:
        arguments.peers = []
    if arguments.peers and not arguments.peer_python.exists():
        parser.error(f"{arguments.peer_python} is not there: see --help, or give --peers none")
    return arguments


def main() -> None:
    arguments = parsed()
    if arguments.curve:
        print_curve(arguments)
        return
    outcomes = compare(arguments)
    print_table(outcomes, [OURS, *arguments.peers])
    print_limits(arguments.peers)
    if arguments.json:
        rows = [asdict(outcome) for outcome in outcomes]
        arguments.json.write_text(json.dumps(rows, indent=1, default=str), encoding="utf-8")


if __name__ == "__main__":
    main()
