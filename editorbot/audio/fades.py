"""The weight of a segment at each output sample, by the fade rules of `editorbot.edl.model`."""

from typing import NamedTuple

import numpy as np

from editorbot.edl.model import Edit, Fade, reaches_across


class Extent(NamedTuple):
    """Where a segment sounds: `[start, stop)` in output samples, its reach into fades included.

    `fade_in_start` and `fade_out_start` are the output samples at which its fades begin.
    """

    start: int
    stop: int
    fade_in_start: int
    fade_out_start: int


def curve_weights(fade: Fade, *, first: int, last: int) -> np.ndarray:
    """Weights of a rising fade at its samples `first` to `last - 1`, which may lie outside it.

    Returns:
        (last - first,) float64: 0 before the fade, 1 after it, in between linear
        `w = (i + 1/2) / n` or equal power `sin(pi/2 w)`.
    """
    if fade.samples == 0:
        return (np.arange(first, last) >= 0).astype(np.float64)
    w = np.clip((np.arange(first, last) + 0.5) / fade.samples, 0.0, 1.0)
    return w if fade.curve == "linear" else np.sin(0.5 * np.pi * w)


def extents(edit: Edit) -> list[Extent]:
    """Where each segment of `edit` sounds; segments without source have an empty extent."""
    result = []
    for index, segment in enumerate(edit.segments):
        if not segment.has_source:
            result.append(Extent(segment.out_start, segment.out_start, 0, 0))
            continue
        from_source = reaches_across(edit, index, side="in")
        to_source = reaches_across(edit, index, side="out")
        n_in, n_out = segment.fade_in.samples, segment.fade_out.samples
        fade_in_start = segment.out_start - (n_in // 2 if from_source else 0)
        fade_out_start = segment.out_end - (n_out // 2 if to_source else n_out)
        stop = fade_out_start + n_out if to_source else segment.out_end
        result.append(
            Extent(max(0, fade_in_start), min(edit.samples, stop), fade_in_start, fade_out_start)
        )
    return result


def segment_weights(
    fade_in: Fade, fade_out: Fade, extent: Extent, *, start: int, stop: int
) -> np.ndarray | None:
    """Product of both fades over output samples `[start, stop)`; None where it is 1 throughout.

    Returns:
        (stop - start,) float32, or None.
    """
    inside = extent.fade_in_start + fade_in.samples <= start and stop <= extent.fade_out_start
    if inside:
        return None
    rising = curve_weights(
        fade_in, first=start - extent.fade_in_start, last=stop - extent.fade_in_start
    )
    # A fade out is a fade in read backwards: its i-th sample weighs as the (n - 1 - i)-th.
    end = extent.fade_out_start + fade_out.samples
    falling = curve_weights(fade_out, first=end - stop, last=end - start)[::-1]
    return (rising * falling).astype(np.float32)
