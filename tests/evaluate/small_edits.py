"""Small edits for the tests, written as spans of seconds."""

from editorbot.edl.model import Edit, Segment, Source, with_ops

RATE = 1000


def source(duration_s: float, *, sample_rate: int = RATE, name: str = "raw") -> Source:
    return Source(
        path=f"{name}.wav",
        sample_rate=sample_rate,
        channels=1,
        samples=round(duration_s * sample_rate),
        sha256=name,
    )


def edit(
    *plays: tuple[float, float] | float,
    duration_s: float = 100.0,
    sample_rate: int = RATE,
    reverse: tuple[int, ...] = (),
) -> Edit:
    """Each play is (start_s, end_s) of the raw, or the seconds of sound without a source."""
    segments, out = [], 0
    for number, play in enumerate(plays):
        if isinstance(play, tuple):
            start, end = (round(t * sample_rate) for t in play)
            run = {"source": 0, "src_start": start, "src_end": end}
            length = end - start
        else:
            run = {"source": None, "src_start": None, "src_end": None}
            length = round(play * sample_rate)
        segments.append(
            Segment(out_start=out, out_end=out + length, reverse=number in reverse, **run)
        )
        out += length
    return Edit(
        sample_rate=sample_rate,
        samples=out,
        sources=(source(duration_s, sample_rate=sample_rate),),
        segments=with_ops(segments),
    )
