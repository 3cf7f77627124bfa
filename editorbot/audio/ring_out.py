"""The last note of an edit rings out.

An edit that ends where the last passage ends cuts off what its instruments and the room still
sound. Where the recording dies away after that, the edit plays on until it has.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from editorbot.audio import io
from editorbot.edl.model import Edit, Segment
from editorbot.edl.raw_axis import bounds_s

LONGEST_S = 4.0
"""Seconds that are played on, at most."""
HEARD_S = 5.0
"""Seconds before the end whose loud parts are compared with."""
WINDOW_S = 0.05
"""Seconds over which a level is taken."""
LOUD = 0.9
"""Quantile of the levels before the end that counts as that of the music."""
DIED_AWAY_DB = 25.0
"""What is quieter than the music by so much has died away; else the music goes on."""
FALL_DB, PATIENCE_S = 3.0, 0.5
"""What rings falls by so much in that many seconds."""
ONSET_DB = 8.0
"""By which the level rises where something else begins."""


def rung_out(edit: Edit, *, fixed_s: Sequence[float] = ()) -> Edit:
    """The edit with its end moved on to where its last sound has died away.

    It stays where it is if the recording plays on there, if it is quiet already, if it lies at an
    instant of `fixed_s`, in seconds of the raw axis, or might reach one, or if its last segment
    has no source or does not play forwards at its own speed and rate.

    Raises:
        AudioError: The source cannot be read.
    """
    last = edit.segments[-1]
    if not _may_ring(edit, last, fixed_s):
        return edit
    source = edit.sources[last.source]
    window = round(WINDOW_S * source.sample_rate)
    before = min(last.samples, round(HEARD_S * source.sample_rate)) // window
    after = min(source.samples - last.src_end, round(LONGEST_S * source.sample_rate)) // window
    if not before or not after:
        return edit
    levels = _levels_db(Path(source.path), last.src_end - before * window, before + after, window)
    longer = window * _ringing(levels[:before], levels[before:])
    played_on = last.model_copy(
        update={"out_end": last.out_end + longer, "src_end": last.src_end + longer}
    )
    return edit.model_copy(
        update={"samples": edit.samples + longer, "segments": (*edit.segments[:-1], played_on)}
    )


def _may_ring(edit: Edit, last: Segment, fixed_s: Sequence[float]) -> bool:
    if not last.has_source or last.reverse or last.speed != 1:
        return False
    end_s = bounds_s(edit.sources)[last.source] + last.src_end / edit.sample_rate
    is_free = not any(-WINDOW_S < fixed - end_s < LONGEST_S for fixed in fixed_s)
    return is_free and edit.sources[last.source].sample_rate == edit.sample_rate


def _levels_db(path: Path, start: int, windows: int, window: int) -> np.ndarray:
    """(windows,) levels of the mean of the channels."""
    blocks = io.read_blocks(path, start=start, stop=start + windows * window)
    mono = np.concatenate([block.mean(axis=0, dtype=np.float64) for block in blocks])
    power = np.mean(mono.reshape(windows, window) ** 2, axis=1)
    return 10 * np.log10(power + 1e-12)


def _ringing(before: np.ndarray, after: np.ndarray) -> int:
    """How many of the windows after the end ring on."""
    place, level = 0, before[-1]
    while True:
        ahead = after[place : place + round(PATIENCE_S / WINDOW_S)]
        rises = np.append(np.flatnonzero(ahead > level + ONSET_DB), len(ahead))
        falls = np.flatnonzero(ahead[: rises[0]] < level - FALL_DB)
        if not len(falls):
            break
        place, level = place + int(falls[0]) + 1, ahead[falls[0]]
    has_died_away = level < np.quantile(before, LOUD) - DIED_AWAY_DB
    return place if has_died_away else 0
