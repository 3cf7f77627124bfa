"""How edits get better with the raws that were learned from, drawn from `learning.py`'s numbers.

    python benchmarks/learning_curve.py results/metrics/learning.json \\
        docs/images/learning_curve.png
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from editorbot.errors import EditorbotError
from editorbot.files import read_json, replacing

MEASURES = {
    "keep_f1": "keep F1",
    "cut_f1_500ms": "cut F1 at 0.5 s",
    "cut_f1_100ms": "cut F1 at 0.1 s",
}
LINES = {
    "path, pretrained": ("practised before", "#2563eb"),
    "path": ("from scratch", "#d97706"),
}
LEVELS = {
    "practice alone": ("no raw, practice alone", "#2563eb", ":"),
    "junk_oracle": ("oracle that drops all junk", "#8b95a7", "-"),
    "loudest_beats": ("loudest beats", "#8b95a7", "--"),
    "keep_all": ("keep all", "#8b95a7", ":"),
}


def draw(rows: Sequence[dict], path: Path, *, jams: str) -> None:
    """A panel for each measure: a dot for each seed, a line through their means, levels beside."""
    mine = [row for row in rows if row["jams"] == jams]
    counts = counts_of(rows, jams=jams)
    figure, panels = plt.subplots(1, len(MEASURES), figsize=(13, 4.2), layout="constrained")
    for axes, measure in zip(panels, MEASURES, strict=True):
        for system, (name, colour, style) in LEVELS.items():
            values = [r["measures"][measure] for r in mine if r["system"] == system]
            if values:
                axes.axhline(fmean(values), color=colour, linestyle=style, lw=1.2, label=name)
        for system, (name, colour) in LINES.items():
            _line(axes, [r for r in mine if r["system"] == system], measure, name, colour)
        axes.set_xscale("log")
        axes.set_xticks(counts, counts, minor=False)
        axes.minorticks_off()
        axes.set(ylim=(-0.02, 1.02), xlabel="raws learned from", title=MEASURES[measure])
        axes.grid(alpha=0.3)
    panels[0].legend(fontsize=8, loc="lower right", bbox_to_anchor=(1, 0.05))
    songs, seeds = (len({row[key] for row in mine}) for key in ("song", "seed"))
    figure.suptitle(f"{jams}: {songs} jams that nothing has heard, up to {seeds} seeds, each a dot")
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=85, format="png")
    plt.close(figure)


def counts_of(rows: Sequence[dict], *, jams: str) -> list[int]:
    """For how many raws there are numbers."""
    return sorted({row["raws"] for row in rows if row["jams"] == jams and row["system"] in LINES})


def _line(axes: Axes, rows: Sequence[dict], measure: str, name: str, colour: str) -> None:
    dots = {}
    for count, seed in sorted({(row["raws"], row["seed"]) for row in rows}):
        here = [r["measures"][measure] for r in rows if (r["raws"], r["seed"]) == (count, seed)]
        dots.setdefault(count, []).append(fmean(here))
    for count, values in dots.items():
        axes.plot([count] * len(values), values, "o", color=colour, alpha=0.4, ms=4)
    axes.plot(list(dots), [fmean(v) for v in dots.values()], color=colour, lw=2, label=name)


def main() -> None:
    """Read the arguments and draw."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("measured", type=Path, help="what learning.py wrote")
    parser.add_argument("picture", type=Path)
    parser.add_argument("--set", default="played_again", dest="jams")
    given = parser.parse_args()
    try:
        rows = read_json(given.measured)
    except EditorbotError as error:
        parser.error(str(error))
    if not counts_of(rows, jams=given.jams):
        parser.error(f"{given.measured} has nothing of the set {given.jams}: choose another --set")
    draw(rows, given.picture, jams=given.jams)


if __name__ == "__main__":
    main()
