"""Lists of runs of one raw recording, for hypothesis to draw."""

from edit_pairs import RATE
from hypothesis import strategies as st

from editorbot.edl.model import Edit, Fade, Segment, Source, with_ops

RAW_S = 40

runs = st.fixed_dictionaries(
    {
        "start": st.integers(0, (RAW_S - 5) * 10),  # tenths of a second
        "tenths": st.integers(15, 45),
        "gain_db": st.sampled_from([0.0, -3.0, 1.5]),
        "polarity": st.sampled_from([1, 1, 1, -1]),
        "reverse": st.sampled_from([False, False, False, True]),
        "fade": st.sampled_from([0, 0, 100, 441, 2205]),
        "curve": st.sampled_from(["linear", "equal_power"]),
    }
)


def as_edit(drawn: list[dict], source: Source) -> Edit:
    """The list of the runs, end to end."""
    segments, position = [], 0
    for before, run, after in zip([None, *drawn], drawn, [*drawn[1:], None], strict=False):
        samples, start = run["tenths"] * RATE // 10, run["start"] * RATE // 10
        fades = [
            Fade(samples=0) if other is None else Fade(samples=other["fade"], curve=other["curve"])
            for other in (None if before is None else run, after)
        ]
        segments.append(
            Segment(
                out_start=position,
                out_end=position + samples,
                source=0,
                src_start=start,
                src_end=start + samples,
                gain_db=run["gain_db"],
                polarity=run["polarity"],
                reverse=run["reverse"],
                fade_in=fades[0],
                fade_out=fades[1],
            )
        )
        position += samples
    return Edit(sample_rate=RATE, samples=position, sources=(source,), segments=with_ops(segments))
