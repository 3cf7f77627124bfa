"""The picture of an edit: raw above, edit below, and every segment joined across in its colour.

Colours follow the place in the raw, from blue at its beginning over green to red at its end, so
that order can be read from the edit alone. Raw that is not used is grey, edit without source
hatched, a cut is a line, and material that is played again lies under more than one band.
"""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path as Outline
from matplotlib.ticker import FuncFormatter, MaxNLocator

from editorbot.audio.io import probe, read_blocks
from editorbot.edl.model import Edit, Segment
from editorbot.files import replacing

COLUMNS = 1800
"""Columns of the waveforms; the picture's width in pixels, about."""
COLOURS = "turbo"
COLOUR_RANGE = (0.05, 0.92)
"""The ends of the colour map are too dark or too pale against white."""
UNUSED = "#c9c9c9"
FOREIGN = "#8c8c8c"
INK = "#222222"
NAMED_SHARE = 0.012
"""Of the raw: shorter repeats are seen in the bands but have no room for their number."""
DOUBTFUL = 0.9
"""Confidence below which a segment is flagged."""


@dataclass(frozen=True)
class _Waveform:
    """(COLUMNS,) lowest and highest sample of each column, and the length in seconds."""

    low: np.ndarray
    high: np.ndarray
    seconds: float


def draw_alignment(edit: Edit, raw: Path, edited: Path, output_png: Path, *, title: str) -> None:
    """Draw how `edited` was made from `raw`, its first source; also for proposals.

    Confidences are drawn as a strip where the list has any. Waveforms are read in constant memory.

    Raises:
        AudioError: A file cannot be read.
        EditorbotError: The picture cannot be written.
    """
    raw_wave, edit_wave = _waveform(raw), _waveform(edited)
    colours = _segment_colours(edit)
    rated = any(segment.confidence is not None for segment in edit.segments)
    figure = Figure(figsize=(15, 7.2), dpi=120)
    grid = figure.add_gridspec(
        4, 1, height_ratios=[2.2, 2.4, 2.2, 0.32], hspace=0.0, left=0.055, right=0.985, top=0.86,
        bottom=0.075,
    )  # fmt: skip
    above, across, below, strip = (figure.add_subplot(grid[row]) for row in range(4))
    _draw_raw(above, edit, raw_wave, colours)
    _draw_edit(below, edit, edit_wave, colours)
    _draw_bands(across, edit, colours, raw_wave.seconds, edit_wave.seconds)
    _draw_confidence(strip, edit, edit_wave.seconds, rated=rated)
    figure.suptitle(title, x=0.055, y=0.975, ha="left", fontsize=15, color=INK)
    figure.text(0.055, 0.905, _summary(edit, raw_wave.seconds), fontsize=10, color="#555555")
    with replacing(output_png) as temporary:
        figure.savefig(temporary, format="png")


def _waveform(path: Path) -> _Waveform:
    info = probe(path)
    low, high = np.zeros(COLUMNS), np.zeros(COLUMNS)
    position = 0
    for block in read_blocks(path):
        mono = block.mean(axis=0)
        columns = (position + np.arange(len(mono))) * COLUMNS // info.samples
        starts = np.flatnonzero(np.diff(columns, prepend=-1))
        touched = columns[starts]
        low[touched] = np.minimum(low[touched], np.minimum.reduceat(mono, starts))
        high[touched] = np.maximum(high[touched], np.maximum.reduceat(mono, starts))
        position += len(mono)
    # A few clicks must not make all the rest small.
    peak = max(1.2 * np.percentile(np.maximum(high, -low), 98), 1e-9)
    low, high = (np.clip(side / peak, -1, 1) for side in (low, high))
    return _Waveform(low, high, info.samples / info.sample_rate)


def _segment_colours(edit: Edit) -> list[tuple | None]:
    """One colour per segment, by the middle of its place in its source; None without source."""
    colour_map = matplotlib.colormaps[COLOURS]
    low, high = COLOUR_RANGE
    colours = []
    for segment in edit.segments:
        if not segment.has_source:
            colours.append(None)
            continue
        middle = (segment.src_start + segment.src_end) / 2 / edit.sources[segment.source].samples
        colours.append(colour_map(low + (high - low) * middle))
    return colours


def _raw_span(edit: Edit, segment: Segment) -> tuple[float, float]:
    rate = edit.sources[segment.source].sample_rate
    return segment.src_start / rate, segment.src_end / rate


def _edit_span(edit: Edit, segment: Segment) -> tuple[float, float]:
    return segment.out_start / edit.sample_rate, segment.out_end / edit.sample_rate


def _draw_raw(axes: Axes, edit: Edit, wave: _Waveform, colours: list) -> None:
    _prepare(axes, wave.seconds, "raw")
    axes.xaxis.tick_top()
    _fill(axes, wave, 0, wave.seconds, UNUSED)
    for segment, colour in zip(edit.segments, colours, strict=True):
        if colour is not None:
            _fill(axes, wave, *_raw_span(edit, segment), colour)
    for start, end, times in _played_again(edit):
        axes.text((start + end) / 2, 1.02, f"×{times}", ha="center", va="top", fontsize=9)


def _played_again(edit: Edit) -> list[tuple[float, float, int]]:
    """Runs of the raw, in seconds, that the edit plays more than once, wide enough to be named."""
    spans = [_raw_span(edit, s) for s in edit.segments if s.has_source]
    borders = sorted({time for span in spans for time in span})
    shortest = edit.sources[0].samples / edit.sources[0].sample_rate * NAMED_SHARE if spans else 0
    runs: list[tuple[float, float, int]] = []
    for start, end in pairwise(borders):
        times = sum(a <= start and end <= b for a, b in spans)
        if runs and runs[-1][2] == times and runs[-1][1] == start:
            runs[-1] = (runs[-1][0], end, times)
        else:
            runs.append((start, end, times))
    return [run for run in runs if run[2] > 1 and run[1] - run[0] >= shortest]


def _draw_edit(axes: Axes, edit: Edit, wave: _Waveform, colours: list) -> None:
    _prepare(axes, wave.seconds, "edit")
    for segment, colour in zip(edit.segments, colours, strict=True):
        start, end = _edit_span(edit, segment)
        if colour is None:
            axes.add_patch(
                Rectangle(
                    (start, -1), end - start, 2, facecolor="#eeeeee", edgecolor=FOREIGN,
                    hatch="///", linewidth=0,
                )
            )  # fmt: skip
        _fill(axes, wave, start, end, FOREIGN if colour is None else colour)
    for segment in edit.segments[1:]:
        axes.axvline(segment.out_start / edit.sample_rate, color=INK, linewidth=0.8)


def _draw_bands(
    axes: Axes, edit: Edit, colours: list, raw_seconds: float, edit_seconds: float
) -> None:
    """Curved bands from each run of the raw down to the segment that plays it."""
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.axis("off")
    for segment, colour in zip(edit.segments, colours, strict=True):
        if colour is None:
            continue
        top = [time / raw_seconds for time in _raw_span(edit, segment)]
        bottom = [time / edit_seconds for time in _edit_span(edit, segment)]
        # A reversed run's band is twisted.
        bottom = bottom[::-1] if segment.reverse else bottom
        axes.add_patch(
            PathPatch(_band(top, bottom), facecolor=(*colour[:3], 0.38), edgecolor=colour, lw=0.7)
        )


def _band(top: list[float], bottom: list[float]) -> Outline:
    (a, b), (c, d) = top, bottom
    corners = [(a, 1), (a, 0.5), (c, 0.5), (c, 0), (d, 0), (d, 0.5), (b, 0.5), (b, 1), (a, 1)]
    curve = [Outline.CURVE4] * 3
    codes = [Outline.MOVETO, *curve, Outline.LINETO, *curve, Outline.CLOSEPOLY]
    return Outline(corners, codes)


def _draw_confidence(axes: Axes, edit: Edit, seconds: float, *, rated: bool) -> None:
    """A strip under the edit: dark where sure, red where in doubt, empty without source."""
    axes.set(xlim=(0, seconds), ylim=(0, 1), yticks=[])
    _time_axis(axes)
    for spine in ("top", "left", "right"):
        axes.spines[spine].set_visible(False)
    axes.set_ylabel("sure?" if rated else "", rotation=0, ha="right", va="center", fontsize=9)
    for segment in edit.segments if rated else ():
        if segment.confidence is None:
            continue
        start, end = _edit_span(edit, segment)
        colour = "#d62728" if segment.confidence < DOUBTFUL else "#2b8a4b"
        axes.bar(start, 0.8 * max(segment.confidence, 0.08), end - start, 0.05, align="edge",
                 color=colour, edgecolor="white", linewidth=0.4)  # fmt: skip


def _prepare(axes: Axes, seconds: float, name: str) -> None:
    axes.set(xlim=(0, seconds), ylim=(-1.06, 1.06), yticks=[])
    axes.set_ylabel(name, fontsize=12, color=INK)
    _time_axis(axes)
    for spine in axes.spines.values():
        spine.set_visible(False)
    if name == "edit":
        axes.tick_params(labelbottom=False, bottom=False)


def _time_axis(axes: Axes) -> None:
    axes.xaxis.set_major_locator(MaxNLocator(12, steps=[1, 1.5, 2, 3, 6, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda time, _: f"{clock(time)}"))
    axes.tick_params(colors=INK, labelsize=9)


def clock(seconds: float) -> str:
    """Time as m:ss, with tenths where they are not zero, or h:mm:ss."""
    tenths = round(seconds * 10)
    minutes, tenths = divmod(tenths, 600)
    rest = f"{tenths // 10:02d}" + (f".{tenths % 10}" if tenths % 10 else "")
    if minutes < 60:
        return f"{minutes}:{rest}"
    return f"{minutes // 60}:{minutes % 60:02d}:{rest}"


def _fill(axes: Axes, wave: _Waveform, start: float, end: float, colour: object) -> None:
    """The waveform between two instants, at least a column wide."""
    first = int(np.clip(np.floor(start / wave.seconds * COLUMNS), 0, COLUMNS - 1))
    last = int(np.clip(np.ceil(end / wave.seconds * COLUMNS), first + 1, COLUMNS))
    times = (np.arange(first, last + 1) * wave.seconds / COLUMNS).clip(start, end)
    low, high = (np.append(side[first:last], side[last - 1]) for side in (wave.low, wave.high))
    # A hairline keeps silence visible as a line.
    axes.fill_between(times, low - 0.006, high + 0.006, color=colour, linewidth=0, step="post")


def _summary(edit: Edit, raw_seconds: float) -> str:
    """What a glance should tell, in words."""
    played = [segment for segment in edit.segments if segment.has_source]
    without = sum(s.samples for s in edit.segments if not s.has_source) / edit.sample_rate
    used = _used_seconds(edit)
    loops = sum(segment.op == "LOOP_START" for segment in played)
    parts = [
        f"{clock(raw_seconds)} of raw → {clock(edit.samples / edit.sample_rate)}",
        f"{len(played)} segment{'s' * (len(played) != 1)}",
        f"{used / raw_seconds:.0%} of the raw used",
    ]
    if loops:
        parts.append(f"{loops} jump{'s' * (loops != 1)} back")
    if without >= 0.05:
        parts.append(f"{clock(without)} without source (hatched)")
    reversed_count = sum(segment.reverse for segment in played)
    if reversed_count:
        parts.append(f"{reversed_count} reversed")
    doubtful = sum(s.confidence is not None and s.confidence < DOUBTFUL for s in played)
    if doubtful:
        parts.append(f"{doubtful} uncertain (red)")
    return "   ·   ".join(parts)


def _used_seconds(edit: Edit) -> float:
    """Seconds of the raw that are heard at least once."""
    total, reached = 0.0, 0.0
    for start, end in sorted(_raw_span(edit, s) for s in edit.segments if s.has_source):
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total
