"""Several recordings one after the other in one store, as the raws of one song are kept.

Every store of a song and side says in its attribute `sources` what it was made from, a list of
{"sample_rate", "channels", "samples"}. By whatever rates a source came there, it takes
`resampled_length` samples at the store's own rate, and as many mel frames as that has, so that
frames count as `editorbot.edl.frames` has the pointers count.
"""

from collections.abc import Iterable, Iterator
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from editorbot.edl.frames import resampled_length


def part_lengths(sources: Iterable[dict[str, Any]], *, sample_rate: int) -> list[int]:
    """Samples of each source at `sample_rate` Hz."""
    return [resampled_length(s["samples"], s["sample_rate"], sample_rate) for s in sources]


def part_spans(sources: Iterable[dict[str, Any]], *, sample_rate: int) -> list[tuple[int, int]]:
    """Start and stop of each source in a store at `sample_rate` Hz."""
    lengths = part_lengths(sources, sample_rate=sample_rate)
    return list(pairwise(accumulate(lengths, initial=0)))


def of_length(blocks: Iterable[np.ndarray], samples: int) -> Iterator[np.ndarray]:
    """Cut a stream of (C, T) blocks off after `samples`, or fill it up with zeros to as many.

    Two roundings, to one rate and from there to another, may end a sample away from one.
    """
    left, channels = samples, 1
    for block in blocks:
        yield block[:, :left]
        left, channels = left - min(left, block.shape[1]), len(block)
    if left:
        yield np.zeros((channels, left), np.float32)
