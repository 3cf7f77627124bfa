"""Pictures of scores: every song a dot, so that a mean over few songs is not taken for more."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from editorbot.evaluate.summary import (
    DROPPED_TITLE,
    SongScore,
    SystemSummary,
    dropped_columns,
    label,
)
from editorbot.files import replacing

LEARNED, BASELINE, INK, GRID = "#2563eb", "#8b95a7", "#1d2433", "#e3e6ec"
STRIPS = ("keep_f1", "cut_f1_500ms")
DOTS_SPREAD = 0.28
"""Of a row's height, over which its songs' dots are spread."""


def draw_scores(
    path: Path | str,
    scores: Sequence[SongScore],
    summaries: Sequence[SystemSummary],
    *,
    measures: Sequence[str] = STRIPS,
) -> None:
    """Draw one strip of songs per system and measure, with mean and interval, as PNG."""
    height = 1.3 + 0.5 * len(summaries)
    figure = Figure(figsize=(1.8 + 4.2 * len(measures), height), layout="constrained")
    panels = figure.subplots(1, len(measures), sharey=True, squeeze=False)
    for axes, measure in zip(panels[0], measures, strict=True):
        for row, summary in enumerate(summaries):
            values = [s.values[measure] for s in scores if s.system == summary.system]
            _strip(axes, row, values, summary, measure)
        _finish(axes, [label(summary.system) for summary in summaries], measure)
    songs = len({score.song for score in scores})
    figure.suptitle(
        f"Edits proposed for {songs} unheard song{'s' * (songs != 1)}, against the person's",
        color=INK,
        fontsize=12,
    )
    _save(figure, path)


def _strip(
    axes: Axes, row: int, values: Sequence[float], summary: SystemSummary, measure: str
) -> None:
    colour = LEARNED if summary.learned else BASELINE
    found = summary.measures[measure]
    known = np.array([value for value in values if not math.isnan(value)])
    # The first system is on top, its songs in a fixed order from top to bottom.
    offsets = np.linspace(-DOTS_SPREAD, DOTS_SPREAD, len(known)) if len(known) > 1 else 0
    axes.barh(row, found.mean, height=0.72, color=colour, alpha=0.18, linewidth=0)
    axes.plot([found.mean] * 2, [row - 0.36, row + 0.36], color=colour, linewidth=2.5)
    axes.scatter(
        known, row + offsets, s=22, color=colour, edgecolor="white", linewidth=0.6, zorder=3
    )
    if not math.isnan(found.low):
        axes.plot([found.low, found.high], [row, row], color=INK, linewidth=1.2, zorder=4)
    if not math.isnan(found.mean):
        axes.annotate(
            f"{found.mean:.2f}",
            (1.02, row),
            xycoords=("axes fraction", "data"),
            va="center",
            color=INK,
            fontsize=9,
            fontweight="bold" if summary.learned else "normal",
        )


def _finish(axes: Axes, names: Sequence[str], measure: str) -> None:
    axes.set_title(label(measure), loc="left", fontsize=11, color=INK)
    axes.set_xlim(-0.015, 1.015)
    axes.set_ylim(len(names) - 0.45, -0.55)
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(length=0, colors=INK, labelsize=9)
    axes.set_axisbelow(True)
    axes.grid(axis="x", color=GRID)
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)


def draw_dropped(path: Path | str, summaries: Sequence[SystemSummary]) -> None:
    """Draw the recall of dropped material, systems by causes, as PNG.

    Real songs come without causes; the picture then says that.
    """
    causes = dropped_columns(summaries)
    if not causes:
        figure = Figure(figsize=(7, 1.2))
        sentence = "Nobody noted why material of these songs was dropped."
        figure.text(0.5, 0.5, sentence, ha="center", va="center", color=INK, fontsize=12)
        _save(figure, path)
        return
    recall = np.array([[row.measures[cause].mean for cause in causes] for row in summaries])
    size = (2.6 + 0.95 * len(causes), 1.5 + 0.45 * len(summaries))
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots()
    axes.imshow(recall, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (row, column), value in np.ndenumerate(recall):
        text = "–" if math.isnan(value) else f"{value:.2f}"
        axes.text(
            column,
            row,
            text,
            ha="center",
            va="center",
            fontsize=9,
            color="white" if value > 0.6 else INK,
        )
    axes.set_xticks(range(len(causes)), [label(cause) for cause in causes])
    axes.set_yticks(range(len(summaries)), [label(row.system) for row in summaries])
    axes.tick_params(length=0, colors=INK, labelsize=9)
    axes.xaxis.tick_top()
    for side in axes.spines.values():
        side.set_visible(False)
    figure.suptitle(DROPPED_TITLE, fontsize=12, color=INK)
    _save(figure, path)


def _save(figure: Figure, path: Path | str) -> None:
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=150, facecolor="white")
