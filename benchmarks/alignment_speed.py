"""Times of alignment against the length of the raw, and what was recovered, by synthetic pairs.

Bound: at least 10 times real time (edit seconds per CPU second) and at most 1 GB for a raw of 4
minutes. CPU time, since other work on the machine would count otherwise; peak memory counts the
mapped scratch files too, which the system may drop at any time.

    python benchmarks/alignment_speed.py [--minutes 1 4 15]
"""

import argparse
import multiprocessing
import resource
import sys
import tempfile
import time
from pathlib import Path

from editorbot.align.align import Alignment, align
from editorbot.edl.model import Edit
from editorbot.evaluate.alignment import score_alignment
from editorbot.params import AlignParams

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "align"))
from edit_pairs import music, random_edit, rendered, write_pair

RATE = 44100
BOUND_MINUTES, BOUND_SPEED, BOUND_GB = 4, 10, 1.0


def measure(folder: str) -> tuple[Alignment, float, float]:
    """The alignment, its CPU seconds and peak GB; runs in a process of its own."""
    raw_path, edit_path = (Path(folder) / name for name in ("raw.wav", "edit.wav"))
    before = time.process_time()
    found = align(raw_path, edit_path, params=AlignParams())
    seconds = time.process_time() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return found, seconds, peak


def make(minutes: float, folder: str) -> Edit:
    raw = music(60 * minutes, seed=1, rate=RATE)
    segments = max(2, round(minutes * 60 * 0.4 / 5))
    truth = random_edit(raw, seed=2, rate=RATE, segments=segments, shortest_s=2, longest_s=8)
    write_pair(Path(folder), raw, rendered(truth, raw), rate=RATE)
    return truth


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, nargs="+", default=[1, 4, 15])
    arguments = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    print("raw min  edit s  CPU s  x real time  peak GB  within 1 frame  cut F1")
    missed = False
    for minutes in arguments.minutes:
        with tempfile.TemporaryDirectory() as folder, context.Pool(1) as pool:
            truth = make(minutes, folder)
            found, seconds, peak = pool.apply(measure, (folder,))
        scores = score_alignment(truth, found.edit)
        speed = found.info.edit_s / seconds
        print(
            f"{minutes:7g} {found.info.edit_s:7.0f} {seconds:6.1f} {speed:12.1f} {peak:8.2f} "
            f"{scores.within_1:15.4f} {scores.cut_f1:7.3f}"
        )
        if minutes == BOUND_MINUTES:
            missed = speed < BOUND_SPEED or peak > BOUND_GB
    sys.exit(f"missed: {BOUND_SPEED} times real time, {BOUND_GB} GB" if missed else 0)


if __name__ == "__main__":
    main()
