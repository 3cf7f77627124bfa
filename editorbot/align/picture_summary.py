"""What the picture of an alignment says in words: its heading, and the key to its signs."""

from collections.abc import Iterator, Sequence

from editorbot.align.picture_layout import (
    DOUBTFUL,
    DOUBTFUL_CUT,
    HEARD_DB,
    HEARD_SEMITONES,
    RawAxis,
    clock,
    cuts_of,
    is_all_inverted,
    is_faster_or_slower,
    signed,
    typical_gain_db,
)
from editorbot.edl.model import Edit

SUMMARY_WIDTH = 205
"""Characters in a line of it, about."""


def summary(edit: Edit, axis: RawAxis, cut_confidences: Sequence[float] | None = None) -> str:
    """What a glance should tell, in words and one or more lines; also the key to the signs."""
    lines: list[str] = []
    for fact in _facts(edit, axis, cut_confidences or ()):
        if lines and len(lines[-1]) + len(fact) < SUMMARY_WIDTH:
            lines[-1] += f"   ·   {fact}"
        else:
            lines.append(fact)
    return "\n".join(lines)


def _facts(edit: Edit, axis: RawAxis, cut_confidences: Sequence[float]) -> Iterator[str]:
    played = [segment for segment in edit.segments if segment.has_source]
    raw_s = sum(axis.lengths_s)
    raws = f"{len(edit.sources)} raws" if len(edit.sources) > 1 else "raw"
    yield f"{clock(raw_s)} of {raws} → {clock(edit.samples / edit.sample_rate)}"
    yield _counted(len(played), "segment")
    yield f"{_used_seconds(edit, axis) / raw_s:.0%} of the raw used"
    if loops := sum(cut.goes_back for cut in cuts_of(edit)):
        yield f"↩ {_counted(loops, 'jump')} back"
    without = sum(s.samples for s in edit.segments if not s.has_source) / edit.sample_rate
    if without >= 0.05:
        yield f"{clock(without)} without source (hatched)"
    if count := sum(segment.reverse for segment in played):
        yield f"◀ {count} reversed"
    if count := sum(map(is_faster_or_slower, played)):
        yield f"× {_counted(count, 'change')} of speed"
    if count := sum(abs(s.pitch_semitones) >= HEARD_SEMITONES for s in played):
        yield f"♪ {_counted(count, 'change')} of pitch (st: semitones)"
    if is_all_inverted(edit):
        yield "ø polarity inverted throughout"
    elif count := sum(segment.polarity < 0 for segment in played):
        yield f"ø polarity inverted in {count}"
    if abs(gain := typical_gain_db(edit)) >= HEARD_DB:
        yield f"{signed(gain)} dB on the whole"
    if count := sum(s.confidence is not None and s.confidence < DOUBTFUL for s in edit.segments):
        yield f"{count} uncertain (red)"
    if count := sum(confidence < DOUBTFUL_CUT for confidence in cut_confidences):
        yield f"{_counted(count, 'doubtful cut')} (red line{'s' * (count != 1)})"


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}{'s' * (number != 1)}"


def _used_seconds(edit: Edit, axis: RawAxis) -> float:
    """Seconds of the raw that are heard at least once."""
    total, reached = 0.0, 0.0
    for start, end in sorted(axis.span(s) for s in edit.segments if s.has_source):
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total
