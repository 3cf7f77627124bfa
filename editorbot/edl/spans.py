"""Spans of the raw axis as an edit."""

from collections.abc import Iterable, Sequence

from editorbot.edl.frames import resampled_length, with_fades
from editorbot.edl.model import Edit, Fade, Segment, Source, with_ops
from editorbot.edl.raw_axis import SourceRun, source_runs


def edit_of_spans(
    spans_s: Iterable[tuple[float, float]], sources: Sequence[Source], *, fade: Fade | None = None
) -> Edit:
    """The edit that plays spans of the raw axis, in seconds, one after the other.

    Spans that touch become one; what reaches beyond the axis is left out. `fade` is put across
    every jump.

    Raises:
        ValueError: No span holds a sample of the sources.
    """
    runs: list[SourceRun] = []
    for start_s, end_s in spans_s:
        for run in source_runs(sources, start_s, end_s):
            if runs and (runs[-1].source, runs[-1].end) == (run.source, run.start):
                run = run._replace(start=runs.pop().start)
            runs.append(run)
    if not runs:
        names = ", ".join(source.path for source in sources)
        raise ValueError(f"expected at least one span of {names}, got none")
    sample_rate, position = sources[0].sample_rate, 0
    segments = []
    for number, start, end in runs:
        length = resampled_length(end - start, sources[number].sample_rate, sample_rate)
        segments.append(
            Segment(
                out_start=position,
                out_end=position + length,
                source=number,
                src_start=start,
                src_end=end,
            )
        )
        position = segments[-1].out_end
    return Edit(
        sample_rate=sample_rate,
        samples=position,
        sources=tuple(sources),
        segments=with_ops(with_fades(segments, fade) if fade else segments),
    )
