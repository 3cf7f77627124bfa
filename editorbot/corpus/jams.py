"""Jams to practise on: sessions simulated from finished tracks, prepared as songs are.

No two bands and editors work alike, so the habits of each jam's band are drawn anew: how long its
passages are, how often it breaks off, talks and tunes, how much a take differs from the one before.
"""

import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from editorbot.audio.decode import decode
from editorbot.audio.io import probe
from editorbot.audio.mel import mel_store
from editorbot.corpus.simulate import simulate
from editorbot.corpus.simulation.record import Recording
from editorbot.edl.frames import FrameGrid, to_ops, to_pointers
from editorbot.edl.serialize import read_edit
from editorbot.files import write_json, write_npy
from editorbot.params import DecodeParams, MelParams, SimulateParams

RANGES: dict[str, tuple[float, float]] = {
    "max_track_s": (45, 150),
    "passage_s": (5, 18),
    "break_share": (0.15, 0.7),
    "false_start_share": (0, 0.5),
    "spoiled_take_share": (0.08, 0.4),
    "vamp_share": (0, 0.35),
    "talk_share": (0.2, 0.9),
    "noise_share": (0.1, 0.6),
    "tuning_share": (0.1, 0.6),
    "dead_air_share": (0.2, 0.8),
    "count_in_share": (0.2, 0.9),
    "junk_scale": (0.5, 1.8),
    "room_tone_db": (-70, -48),
    "tempo_spread": (0, 0.06),
    "tone_spread_db": (1, 7),
    "level_spread_db": (0, 5),
    "raw_tone_db": (0, 5),
}
"""Of the params of the same names, drawn evenly."""
RETAKES: dict[str, tuple[float, float]] = {
    "break_share": (0, 0.7),
    "spoiled_take_share": (0.03, 0.4),
    "played_through_share": (0, 0.6),
    "retake_share": (0, 0.5),
}
"""Where bands play whole takes again, as every other jam of a track does."""
EDITOR = {"vamp_keep_share": 0.0, "loop_share": 0.05, "reorder_share": 0.03}
"""What cannot be told from the sound is rare."""
FEWEST_PASSAGES, SHORTEST_PASSAGE_S = 4, 4.0
COPIES_SHARE, STRETCHED_SHARE = 0.2, 0.3
"""Of the jams, those whose takes repeat the track's sound, as it is or stretched; in the others,
where a track has renditions, each take is one of its own."""
LEVELS = ("splice", "arranged")


@dataclass(frozen=True)
class JamFiles:
    """A prepared jam, as the pipeline prepares songs."""

    mel: Path
    pointers: Path
    ops: Path
    parts: Path
    """`[{start_s, end_s, passage, good}]`, see `parts_of`."""


def varied(rng: np.random.Generator, *, track_s: float, retakes: bool) -> SimulateParams:
    """One band's and editor's habits with a track of that length."""
    ranges = RANGES | RETAKES if retakes else RANGES
    drawn = {name: float(rng.uniform(*bounds)) for name, bounds in ranges.items()}
    most_s = min(track_s, drawn["max_track_s"]) / FEWEST_PASSAGES
    drawn["passage_s"] = max(SHORTEST_PASSAGE_S, min(drawn["passage_s"], most_s))
    repeats = "copies" if rng.random() < COPIES_SHARE else "played_again"
    level = LEVELS[int(rng.integers(len(LEVELS)))]
    return SimulateParams(repeats=repeats, level=level, **EDITOR, **drawn)


def make_jam(
    track: Path,
    output: JamFiles,
    *,
    number: int,
    mel: MelParams,
    decoding: DecodeParams,
    renditions: Path | None = None,
) -> None:
    """Simulate the jam of that number from a finished track, and prepare it.

    What is learned from is the true edit list, as it is known here. A list of `renditions` is used
    by some of the jams. Jams come in pairs of one seed, the second with whole takes played again.

    Raises:
        EditorbotError: As `simulate`, or a file cannot be written.
    """
    grid = FrameGrid(mel.sample_rate, mel.hop_length)
    with tempfile.TemporaryDirectory(prefix="editorbot-jam-") as folder:
        workplace, song = Path(folder), track.stem
        seed, retakes = number // 2, number % 2 == 1
        info, rng = probe(track), np.random.default_rng([seed, zlib.crc32(song.encode())])
        habits = varied(rng, track_s=info.samples / info.sample_rate, retakes=retakes)
        is_stretched = rng.random() < STRETCHED_SHARE / (1 - COPIES_SHARE)
        session = simulate(
            track,
            workplace,
            song=song,
            seed=seed,
            params=habits,
            renditions=None if is_stretched else renditions,
        )
        decoded = workplace / "decoded.zarr.zip"
        decode(
            workplace / f"input/{song}_raw.wav",
            decoded,
            sample_rate=decoding.sample_rate,
            channels=decoding.channels,
        )
        edit = read_edit(workplace / f"truth/{song}_edit.json")
        write_npy(output.pointers, to_pointers(edit, grid))
        write_npy(output.ops, to_ops(edit, grid))
        write_json(output.parts, parts_of(session))
        mel_store(decoded, output.mel, params=mel)


def parts_of(session: Recording) -> list[dict[str, float | int | bool | None]]:
    """What each part of a session is: the passage that is played, null between takes, and whether
    all of it was played, and well, whatever came of it."""
    rate = session.sample_rate
    return [
        {
            "start_s": stretch.start / rate,
            "end_s": stretch.stop / rate,
            "passage": stretch.passage,
            "good": stretch.good and len(stretch.bars) > 0,
        }
        for stretch in session.stretches
    ]
