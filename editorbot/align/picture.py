"""The picture of an edit: raw above, edit below, and every segment joined across in its colour.

Several raws lie one after the other on the upper axis. Colours follow the place there, from blue
at its beginning over green to red at its end, so that order can be read from the edit alone. Raw
that is not used is grey, edit without source hatched, a cut is a line, and material that is played
again lies under more than one band. A reversed run's band is twisted. Labels under the edit tell
what was done to a run; two strips show gain, where it changes, and confidence, where it is known.
"""

from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path as Outline

from editorbot.align.picture_layout import (
    CHARACTER,
    COLUMNS,
    DOUBTFUL,
    DOUBTFUL_CUT,
    HEARD_DB,
    NAMED_SHARE,
    GainRun,
    Placed,
    RawAxis,
    Tick,
    Waveform,
    common_peak,
    cuts_of,
    edit_span,
    gain_runs,
    in_lanes,
    marks_of,
    played_again,
    read_waveform,
    shortened,
    signed,
    source_stays,
    time_ticks,
    uncrowded,
)
from editorbot.align.picture_summary import summary
from editorbot.edl.model import Edit
from editorbot.files import replacing

COLOURS = "turbo"
COLOUR_RANGE = (0.05, 0.92)
"""The ends of the colour map are too dark or too pale against white."""
UNUSED = "#c9c9c9"
FOREIGN = "#8c8c8c"
INK = "#222222"
SOFT_INK = "#555555"
PAPER = "#f5f5f5"
SURE, DOUBT = "#2b8a4b", "#d62728"
LEFT, RIGHT = 0.055, 0.98
WIDTH, DPI = 15, 120
HEIGHTS = {"raw": 1.95, "bands": 1.9, "edit": 1.85, "lane": 0.21, "gain": 0.46, "confidence": 0.34}
"""Inches."""
TOP, BOTTOM = 1.16, 0.42
"""Inches for the title and the upper times, and for the lower times."""


def draw_alignment(
    edit: Edit,
    edited: Path,
    output_png: Path,
    *,
    title: str,
    cut_confidences: Sequence[float] | None = None,
) -> None:
    """Draw how `edited` was made from the sources of `edit`; also for proposals.

    The sources are read from their paths, which must lead there from the working directory (see
    `editorbot.audio.sources.with_sources_found`), in constant memory.

    Raises:
        AudioError: A file cannot be read.
        EditorbotError: The picture cannot be written.
    """
    figure = alignment_figure(edit, edited, title=title, cut_confidences=cut_confidences)
    with replacing(output_png) as temporary:
        figure.savefig(temporary, format="png")


def alignment_figure(
    edit: Edit, edited: Path, *, title: str, cut_confidences: Sequence[float] | None = None
) -> Figure:
    """The picture to be saved; its axes are labelled raw, bands, edit, marks, gain, confidence.

    Of `cut_confidences`, one for each boundary between segments, those in doubt are marked.

    What has no content in this edit has no axes: marks, gain, confidence.

    Raises:
        AudioError: A file cannot be read.
    """
    axis = RawAxis(edit.sources)
    raw_waves, edit_wave = _raw_waves(edit, axis), read_waveform(edited)
    colours = _segment_colours(edit, axis)
    placed = in_lanes(marks_of(edit, edit_wave), seconds=edit_wave.seconds)
    lanes = 1 + max((mark.lane for mark in placed), default=-1)
    gains = gain_runs(edit)
    rated = any(segment.confidence is not None for segment in edit.segments)
    heights = {name: HEIGHTS[name] for name in ("raw", "bands", "edit")}
    if lanes:
        heights["marks"] = 0.1 + lanes * HEIGHTS["lane"]
    if gains:
        heights["gain"] = HEIGHTS["gain"]
    if rated:
        heights["confidence"] = HEIGHTS["confidence"]
    figure, axes = _figure(heights)
    _draw_raws(axes["raw"], edit, axis, raw_waves, colours)
    _draw_edit(axes["edit"], edit, edit_wave, colours, cut_confidences)
    _draw_bands(axes["bands"], edit, axis, colours, edit_wave.seconds)
    if lanes:
        _draw_marks(axes["marks"], placed, edit_wave.seconds, lanes)
    if gains:
        _draw_gain(axes["gain"], gains, edit_wave.seconds)
    if rated:
        _draw_confidence(axes["confidence"], edit, edit_wave.seconds)
    *_, lowest = axes.values()
    _ticks(lowest, time_ticks(edit_wave.seconds, of_s=edit_wave.seconds))
    _write_heading(figure, title, summary(edit, axis, cut_confidences))
    return figure


def _figure(heights: dict[str, float]) -> tuple[Figure, dict[str, Axes]]:
    """Axes of these heights in inches, from the top, without gaps."""
    height = TOP + sum(heights.values()) + BOTTOM
    figure = Figure(figsize=(WIDTH, height), dpi=DPI)
    axes, upper = {}, height - TOP
    for name, inches in heights.items():
        upper -= inches
        box = (LEFT, upper / height, RIGHT - LEFT, inches / height)
        axes[name] = figure.add_axes(box, label=name)
        axes[name].set(xticks=[], yticks=[])
        for spine in axes[name].spines.values():
            spine.set_visible(False)
    return figure, axes


def _write_heading(figure: Figure, title: str, facts: str) -> None:
    height = figure.get_figheight()
    # Song names may hold dollar signs, which are no formula.
    figure.text(
        LEFT, 1 - 0.16 / height, shortened(title, 110), fontsize=15, color=INK, va="top",
        parse_math=False,
    )  # fmt: skip
    figure.text(
        LEFT, 1 - 0.46 / height, facts, fontsize=9.5, color=SOFT_INK, va="top", linespacing=1.3
    )


def _raw_waves(edit: Edit, axis: RawAxis) -> list[Waveform]:
    """All with one scale, and columns by their share of the axis."""
    waves = [
        read_waveform(
            Path(source.path), columns=max(2, round(COLUMNS * length / sum(axis.lengths_s)))
        )
        for source, length in zip(edit.sources, axis.lengths_s, strict=True)
    ]
    peak = common_peak(waves)
    return [wave.scaled(peak) for wave in waves]


def _segment_colours(edit: Edit, axis: RawAxis) -> list[tuple | None]:
    """One colour per segment, by the middle of its place in the raws; None without source."""
    colour_map = matplotlib.colormaps[COLOURS]
    low, high = COLOUR_RANGE
    return [
        colour_map(low + (high - low) * sum(axis.span(segment)) / 2 / axis.seconds)
        if segment.has_source
        else None
        for segment in edit.segments
    ]


def _draw_raws(
    axes: Axes, edit: Edit, axis: RawAxis, waves: Sequence[Waveform], colours: Sequence
) -> None:
    several = len(waves) > 1
    axes.set(xlim=(0, axis.seconds), ylim=(-1.06, 1.6 if several else 1.28))
    axes.set_ylabel("raws" if several else "raw", fontsize=12, color=INK)
    axes.xaxis.tick_top()
    _ticks(axes, axis.ticks())
    for number, (start, wave) in enumerate(zip(axis.starts_s, waves, strict=True)):
        if several:
            _name_source(axes, edit, axis, number)
        _fill(axes, wave, 0, wave.seconds, UNUSED, offset_s=start)
    for segment, colour in zip(edit.segments, colours, strict=True):
        if colour is not None:
            offset = axis.starts_s[segment.source]
            start, end = (time - offset for time in axis.span(segment))
            _fill(axes, waves[segment.source], start, end, colour, offset_s=offset)
    for start, end, times in played_again(edit, axis):
        axes.text(
            (start + end) / 2, 1.04, f"{times}×", ha="center", va="bottom", fontsize=8.5,
            gid="repeat",
        )  # fmt: skip


def _name_source(axes: Axes, edit: Edit, axis: RawAxis, number: int) -> None:
    """Paper behind a recording, and over it its number and as much of its name as has room."""
    start, length = axis.starts_s[number], axis.lengths_s[number]
    low, high = axes.get_ylim()
    axes.add_patch(Rectangle((start, low), length, high - low, facecolor=PAPER, gid="source"))
    room = int(length / axis.seconds / CHARACTER) - 5
    name = shortened(Path(edit.sources[number].path).stem, room)
    axes.text(
        start + 0.003 * axis.seconds, 1.57, f"{number + 1}  {name}".rstrip(), va="top",
        fontsize=9.5, color=INK, weight="bold", parse_math=False, gid=f"name-{number}",
    )  # fmt: skip


def _draw_edit(
    axes: Axes,
    edit: Edit,
    wave: Waveform,
    colours: Sequence,
    cut_confidences: Sequence[float] | None,
) -> None:
    several = len(edit.sources) > 1
    axes.set(xlim=(0, wave.seconds), ylim=(-1.06, 1.56 if several else 1.3))
    axes.set_ylabel("edit", fontsize=12, color=INK)
    scaled = wave.scaled(common_peak([wave]))
    for segment, colour in zip(edit.segments, colours, strict=True):
        start, end = edit_span(edit, segment)
        if colour is None:
            axes.add_patch(
                Rectangle(
                    (start, -1), end - start, 2, facecolor="#eeeeee", edgecolor=FOREIGN,
                    hatch="///", linewidth=0, gid="hatched",
                )
            )  # fmt: skip
        _fill(axes, scaled, start, end, FOREIGN if colour is None else colour)
        if segment.reverse:
            arrow = {"arrowstyle": "-|>", "color": INK, "shrinkA": 0, "shrinkB": 0, "lw": 1.2}
            axes.annotate("", (start, 1.15), (end, 1.15), arrowprops=arrow, gid="backwards")
    _draw_cuts(axes, edit, wave.seconds, cut_confidences)
    for start, end, source in source_stays(edit) if several else ():
        ends = start + 0.0015 * wave.seconds, end - 0.0015 * wave.seconds
        axes.hlines(1.34, *ends, color=FOREIGN, linewidth=1)
        if end - start >= NAMED_SHARE * wave.seconds:
            axes.text(
                (start + end) / 2, 1.36, f"{source + 1}", ha="center", va="bottom",
                fontsize=9.5, weight="bold", color=INK, gid="played source",
            )  # fmt: skip


def _draw_cuts(axes: Axes, edit: Edit, seconds: float, confidences: Sequence[float] | None) -> None:
    """Lines: whole where the material changes, dotted where its treatment does, red in doubt."""
    cuts = cuts_of(edit)
    for cut, confidence in zip(cuts, confidences or [1.0] * len(cuts), strict=True):
        style = {"linestyle": (0, (2, 3)), "gid": "change"} if cut.continues else {"gid": "cut"}
        sure = {"color": INK, "linewidth": 0.8}
        colour = sure if confidence >= DOUBTFUL_CUT else {"color": DOUBT, "linewidth": 1.6}
        axes.vlines(cut.at_s, -1.06, 1.06, **colour, **style)
    for at in uncrowded([cut.at_s for cut in cuts if cut.goes_back], seconds=seconds):
        axes.text(at, 1.06, "↩", ha="center", va="bottom", fontsize=10, color=INK, gid="jump back")


def _draw_bands(
    axes: Axes, edit: Edit, axis: RawAxis, colours: Sequence, edit_seconds: float
) -> None:
    """Curved bands from each run of the raw down to the segment that plays it."""
    axes.set(xlim=(0, 1), ylim=(0, 1))
    for number, (segment, colour) in enumerate(zip(edit.segments, colours, strict=True)):
        if colour is None:
            continue
        top = [time / axis.seconds for time in axis.span(segment)]
        bottom = [time / edit_seconds for time in edit_span(edit, segment)]
        # A reversed run's band is twisted, and stronger, as the twist of a narrow one is not seen.
        bottom = bottom[::-1] if segment.reverse else bottom
        strength = 0.75 if segment.reverse else 0.38
        axes.add_patch(
            PathPatch(
                _band(top, bottom), facecolor=(*colour[:3], strength), edgecolor=colour, lw=0.7,
                gid=f"band-{number}",
            )
        )  # fmt: skip


def _band(top: list[float], bottom: list[float]) -> Outline:
    (a, b), (c, d) = top, bottom
    corners = [(a, 1), (a, 0.5), (c, 0.5), (c, 0), (d, 0), (d, 0.5), (b, 0.5), (b, 1), (a, 1)]
    curve = [Outline.CURVE4] * 3
    codes = [Outline.MOVETO, *curve, Outline.LINETO, *curve, Outline.CLOSEPOLY]
    return Outline(corners, codes)


def _draw_marks(axes: Axes, placed: Sequence[Placed], seconds: float, lanes: int) -> None:
    """Under the edit, a bracket for each run that something was done to, and what it was."""
    axes.set(xlim=(0, seconds), ylim=(-0.4 - lanes, 0))
    least = 0.001 * seconds
    for mark, text, lane, centre in placed:
        start, end = mark.start_s, mark.end_s
        if end - start < 2 * least:
            start, end = (start + end) / 2 - least, (start + end) / 2 + least
        middle = (start + end) / 2
        axes.plot([start, end], [-0.15, -0.15], color=INK, linewidth=2, solid_capstyle="butt")
        axes.plot([middle, centre], [-0.15, -0.6 - lane], color=INK, linewidth=0.6, zorder=1)
        axes.text(
            centre, -0.82 - lane, text, ha="center", va="center", fontsize=9, color=INK, gid="mark",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6}, zorder=3,
        )  # fmt: skip


def _draw_gain(axes: Axes, gains: Sequence[GainRun], seconds: float) -> None:
    """A strip: above the line louder than most of the edit, below it softer."""
    reach = max(6.0, *(abs(db) for *_, db in gains))
    axes.set(xlim=(0, seconds), ylim=(-1.25 * reach, 1.25 * reach))
    axes.set_ylabel("gain, dB", rotation=0, ha="right", va="center", fontsize=9, color=INK)
    axes.axhline(0, color=FOREIGN, linewidth=0.6)
    for start, end, db in gains:
        axes.bar(start, db, end - start, 0, align="edge", color="#7a9cc6")
        text = signed(db)
        if abs(db) >= HEARD_DB and end - start >= (len(text) + 1) * CHARACTER * seconds:
            # On the side of the line that its bar leaves free.
            axes.text(
                (start + end) / 2, -np.sign(db) * 0.1 * reach, text, ha="center",
                va="top" if db > 0 else "bottom", fontsize=8, color=INK, gid="gain",
            )  # fmt: skip


def _draw_confidence(axes: Axes, edit: Edit, seconds: float) -> None:
    """A strip: green where sure, red where in doubt, empty where unknown."""
    axes.set(xlim=(0, seconds), ylim=(0, 1))
    axes.set_ylabel("confidence", rotation=0, ha="right", va="center", fontsize=9, color=INK)
    for segment in edit.segments:
        if segment.confidence is None:
            continue
        start, end = edit_span(edit, segment)
        axes.bar(
            start, 0.8 * max(segment.confidence, 0.08), end - start, 0.05, align="edge",
            color=DOUBT if segment.confidence < DOUBTFUL else SURE, edgecolor="white",
            linewidth=0.4,
        )  # fmt: skip


def _ticks(axes: Axes, ticks: Sequence[Tick]) -> None:
    axes.set_xticks([tick.at_s for tick in ticks], [tick.text for tick in ticks])
    axes.tick_params(colors=INK, labelsize=9)


def _fill(
    axes: Axes, wave: Waveform, start: float, end: float, colour: object, *, offset_s: float = 0.0
) -> None:
    """The waveform between two of its instants, at least a column wide."""
    columns = len(wave.low)
    first = int(np.clip(np.floor(start / wave.seconds * columns), 0, columns - 1))
    last = int(np.clip(np.ceil(end / wave.seconds * columns), first + 1, columns))
    times = offset_s + (np.arange(first, last + 1) * wave.seconds / columns).clip(start, end)
    low, high = (np.append(side[first:last], side[last - 1]) for side in (wave.low, wave.high))
    # A hairline keeps silence visible as a line.
    axes.fill_between(times, low - 0.006, high + 0.006, color=colour, linewidth=0, step="post")
