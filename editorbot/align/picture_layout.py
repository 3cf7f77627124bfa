"""What the picture of an edit shows and where: axes in seconds, waveforms, labels, words.

Nothing here draws; `editorbot.align.picture` does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from editorbot.audio.io import probe, read_blocks
from editorbot.edl.model import Edit, Segment, Source

COLUMNS = 1800
"""Columns of the waveforms on one axis; the picture's width in pixels, about."""
GAP_SHARE = 0.012
"""Of the recordings together: what lies between two of them on the raw axis."""
TICKS = 13
"""Most of them on an axis, about."""
STEPS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200)
CHARACTER = 0.0053
"""Width of a character of a label, as a share of the picture's."""
LANES = 4
"""Most rows of labels under the edit."""
HEARD_SPEED = 0.002
"""Recorders drift by up to 200 ppm of the speed: nobody changed that."""
HEARD_SEMITONES = 0.05
HEARD_DB = 0.5
"""Gains that differ by less are not shown."""
SILENCE = 10 ** (-60 / 20)
"""Peak below which what has no source is silence."""
DOUBTFUL = 0.9
"""Confidence below which a segment is flagged."""
DOUBTFUL_CUT = 0.5
"""The same of a cut: it lies more likely elsewhere, or there is none."""
HEARD_JUMP_S = 0.05
"""What goes back by less does so to fit a treatment or a beat, and is no jump to the ear."""
NAMED_SHARE = 0.012
"""Of an axis: what is shorter is seen but has no room for its number."""


class Tick(NamedTuple):
    """A time as its own recording counts it, and where it lies on the axis in seconds."""

    at_s: float
    text: str


class RawAxis:
    """The sources of an edit one after the other in seconds, with gaps between them."""

    def __init__(self, sources: Sequence[Source]):
        self.lengths_s = [source.samples / source.sample_rate for source in sources]
        self.gap_s = GAP_SHARE * sum(self.lengths_s)
        steps = np.asarray(self.lengths_s) + self.gap_s
        self.starts_s = (np.cumsum(steps) - steps).tolist()
        self.seconds = float(steps.sum() - self.gap_s)
        self._rates = [source.sample_rate for source in sources]

    def span(self, segment: Segment) -> tuple[float, float]:
        """Where on this axis a segment that has a source plays from."""
        start, rate = self.starts_s[segment.source], self._rates[segment.source]
        return start + segment.src_start / rate, start + segment.src_end / rate

    def ticks(self) -> list[Tick]:
        """Each recording's clock begins anew."""
        ticks: list[Tick] = []
        for start, length in zip(self.starts_s, self.lengths_s, strict=True):
            for tick in time_ticks(length, of_s=self.seconds):
                at = start + tick.at_s
                if not ticks or at - ticks[-1].at_s > 0.035 * self.seconds:
                    ticks.append(Tick(at, tick.text))
        return ticks


def time_ticks(length_s: float, *, of_s: float) -> list[Tick]:
    """Round times from 0 to a length, so far apart that an axis of `of_s` has room for all."""
    step = next((s for s in STEPS_S if of_s / s <= TICKS), of_s / TICKS)
    return [Tick(step * k, clock(step * k)) for k in range(int(length_s / step) + 1)]


@dataclass(frozen=True)
class Waveform:
    """(N,) lowest and highest sample of each of N columns, full scale 1, and the length."""

    low: np.ndarray
    high: np.ndarray
    seconds: float

    def peak(self, start_s: float, end_s: float) -> float:
        """The highest absolute sample in the columns that lie wholly inside a span, or touch it."""
        scale = len(self.low) / self.seconds
        first, last = int(np.ceil(start_s * scale)), int(end_s * scale)
        if last <= first:
            first = min(int(start_s * scale), len(self.low) - 1)
            last = first + 1
        return float(max(self.high[first:last].max(), -self.low[first:last].min()))

    def scaled(self, peak: float) -> "Waveform":
        """With `peak` at 1, and what is above it cut off."""
        low, high = (np.clip(side / peak, -1, 1) for side in (self.low, self.high))
        return Waveform(low, high, self.seconds)


def read_waveform(path: Path, *, columns: int = COLUMNS) -> Waveform:
    """A recording's outline over all its channels, in constant memory.

    Raises:
        AudioError: It cannot be read.
    """
    info = probe(path)
    low, high = np.zeros(columns), np.zeros(columns)
    position = 0
    for block in read_blocks(path):
        lowest, highest = block.min(axis=0), block.max(axis=0)
        column = (position + np.arange(len(lowest))) * columns // info.samples
        starts = np.flatnonzero(np.diff(column, prepend=-1))
        touched = column[starts]
        low[touched] = np.minimum(low[touched], np.minimum.reduceat(lowest, starts))
        high[touched] = np.maximum(high[touched], np.maximum.reduceat(highest, starts))
        position += len(lowest)
    return Waveform(low, high, info.samples / info.sample_rate)


def common_peak(waves: Sequence[Waveform]) -> float:
    """The level that fills the height: a few clicks must not make all the rest small."""
    peaks = np.concatenate([np.maximum(wave.high, -wave.low) for wave in waves])
    return max(1.2 * float(np.percentile(peaks, 98)), 1e-9)


def edit_span(edit: Edit, segment: Segment) -> tuple[float, float]:
    """A segment's place in the edit, in seconds."""
    return segment.out_start / edit.sample_rate, segment.out_end / edit.sample_rate


class Mark(NamedTuple):
    """A label for a run of the edit, `[start_s, end_s)`; `short` where there is no room."""

    start_s: float
    end_s: float
    text: str
    short: str


def marks_of(edit: Edit, wave: Waveform) -> list[Mark]:
    """What was done to runs of the edit other than moving them; alike neighbours share a mark."""
    everything_inverted = is_all_inverted(edit)
    marks: list[Mark] = []
    for segment in edit.segments:
        start, end = edit_span(edit, segment)
        if segment.has_source:
            text, short = treatment(segment, name_polarity=not everything_inverted)
        else:
            silent = wave.peak(start, end) < SILENCE
            text, short = ("silence", "–") if silent else ("not in the raw", "?")
        if marks and text and marks[-1].text == text and marks[-1].end_s == start:
            marks[-1] = marks[-1]._replace(end_s=end)
        elif text:
            marks.append(Mark(start, end, text, short))
    return marks


def treatment(segment: Segment, *, name_polarity: bool = True) -> tuple[str, str]:
    """In words and in signs, how a segment differs from its source; empty where it does not."""
    text, short = [], ""
    if segment.reverse:
        text.append("◀ reversed")
        short += "◀"
    if is_faster_or_slower(segment):
        hundredths = f"×{segment.speed:.2f}"
        text.append(hundredths if hundredths != "×1.00" else f"×{segment.speed:.3f}")
        short += "×"
    if abs(segment.pitch_semitones) >= HEARD_SEMITONES:
        text.append(f"{signed(segment.pitch_semitones)} st")
        short += "♪"
    if segment.polarity < 0 and name_polarity:
        text.append("ø inverted")
        short += "ø"
    return " ".join(text), short


def is_faster_or_slower(segment: Segment) -> bool:
    """Whether by more than recorders drift."""
    return abs(segment.speed - 1) >= HEARD_SPEED


def is_all_inverted(edit: Edit) -> bool:
    """Whether all that has a source is upside down: how it was recorded, and no edit."""
    played = [segment for segment in edit.segments if segment.has_source]
    return bool(played) and all(segment.polarity < 0 for segment in played)


def signed(value: float) -> str:
    """One digit behind the point, with a true minus."""
    return f"{value:+.1f}".replace("-", "−")


class Placed(NamedTuple):
    """A mark with its text as shown, the row it is in, and its text's middle."""

    mark: Mark
    text: str
    lane: int
    centre_s: float


def in_lanes(marks: Sequence[Mark], *, seconds: float) -> list[Placed]:
    """Marks in rows so that none lies on another: in short where need be, else not at all."""
    reached = [-np.inf] * LANES
    placed = []
    for mark in sorted(marks, key=lambda mark: mark.start_s + mark.end_s):
        for text in (mark.text, mark.short):
            half = (len(text) + 1.5) * CHARACTER * seconds / 2
            centre = min(max((mark.start_s + mark.end_s) / 2, half), max(seconds - half, half))
            lane = next((k for k in range(LANES) if reached[k] <= centre - half), None)
            if lane is not None:
                reached[lane] = centre + half
                placed.append(Placed(mark, text, lane, centre))
                break
    return placed


def typical_gain_db(edit: Edit) -> float:
    """The median over time of what has a source."""
    played = sorted((s.gain_db, s.samples) for s in edit.segments if s.has_source)
    if not played:
        return 0.0
    gains, samples = map(np.asarray, zip(*played, strict=True))
    return float(gains[np.searchsorted(np.cumsum(samples), samples.sum() / 2)])


class GainRun(NamedTuple):
    """A run of the edit, and how far its gain lies above the typical one."""

    start_s: float
    end_s: float
    db: float


def gain_runs(edit: Edit) -> list[GainRun]:
    """Runs of about one gain; empty where all are alike."""
    typical = typical_gain_db(edit)
    runs: list[GainRun] = []
    for segment in edit.segments:
        if not segment.has_source:
            continue
        (start, end), db = edit_span(edit, segment), segment.gain_db - typical
        if runs and runs[-1].end_s == start and abs(runs[-1].db - db) < HEARD_DB / 2:
            runs[-1] = runs[-1]._replace(end_s=end)
        else:
            runs.append(GainRun(start, end, db))
    return runs if any(abs(run.db) >= HEARD_DB for run in runs) else []


class Repeat(NamedTuple):
    """A run of the raw axis that the edit plays several times."""

    start_s: float
    end_s: float
    times: int


def played_again(edit: Edit, axis: RawAxis) -> list[Repeat]:
    """Repeats that are wide enough to be named."""
    spans = [axis.span(s) for s in edit.segments if s.has_source]
    borders = sorted({time for span in spans for time in span})
    runs: list[Repeat] = []
    for start, end in pairwise(borders):
        times = sum(a <= start and end <= b for a, b in spans)
        if runs and runs[-1].times == times and runs[-1].end_s == start:
            runs[-1] = runs[-1]._replace(end_s=end)
        else:
            runs.append(Repeat(start, end, times))
    shortest = NAMED_SHARE * axis.seconds
    return [run for run in runs if run.times > 1 and run.end_s - run.start_s >= shortest]


class Cut(NamedTuple):
    """Where a segment begins that is not the first: what the ear makes of it."""

    at_s: float
    continues: bool
    """The material runs on, and only its treatment changes."""
    goes_back: bool


def cuts_of(edit: Edit) -> list[Cut]:
    """One per segment but the first."""
    cuts, before = [], None
    for last, segment in pairwise((None, *edit.segments)):
        jump_s = _jump_s(edit, before, segment)
        if last is not None:
            continues = last.has_source and jump_s is not None and abs(jump_s) < HEARD_JUMP_S
            goes_back = jump_s is not None and jump_s <= -HEARD_JUMP_S
            cuts.append(Cut(edit_span(edit, segment)[0], continues, goes_back))
        before = segment if segment.has_source else before
    return cuts


def _jump_s(edit: Edit, before: Segment | None, segment: Segment) -> float | None:
    """From the last segment with a source to this one; None where they do not share it."""
    if before is None or not segment.has_source or before.source != segment.source:
        return None
    return (segment.src_start - before.src_end) / edit.sources[segment.source].sample_rate


def uncrowded(times_s: Sequence[float], *, seconds: float) -> list[float]:
    """Of ascending instants those that have room for a sign; of a crowd the first."""
    shown: list[float] = []
    for time in times_s:
        if not shown or time - shown[-1] > 0.008 * seconds:
            shown.append(time)
    return shown


class SourceStay(NamedTuple):
    """A run of the edit that stays with one recording."""

    start_s: float
    end_s: float
    source: int


def source_stays(edit: Edit) -> list[SourceStay]:
    """What has no source does not end a stay."""
    stays: list[SourceStay] = []
    for segment in edit.segments:
        if not segment.has_source:
            continue
        start, end = edit_span(edit, segment)
        if stays and stays[-1].source == segment.source:
            stays[-1] = stays[-1]._replace(end_s=end)
        else:
            stays.append(SourceStay(start, end, segment.source))
    return stays


def shortened(name: str, room: int) -> str:
    """At most `room` characters, of which the last tell takes apart; empty where that is few."""
    if len(name) <= room:
        return name
    return "…" + name[len(name) - room + 1 :] if room > 4 else ""


def clock(seconds: float) -> str:
    """Time as m:ss, with tenths where they are not zero, or h:mm:ss."""
    tenths = round(seconds * 10)
    minutes, tenths = divmod(tenths, 600)
    rest = f"{tenths // 10:02d}" + (f".{tenths % 10}" if tenths % 10 else "")
    if minutes < 60:
        return f"{minutes}:{rest}"
    return f"{minutes // 60}:{minutes % 60:02d}:{rest}"
