"""The alignment benchmark's own pairs and its reading of other aligners' paths."""

import sys
from pathlib import Path

import numpy as np
import pytest
from test_simulate import music

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
from alignment import as_edit
from alignment_pairs import LEVELS, long_pair, random_pair

from editorbot.audio import io
from editorbot.edl.model import Edit, Segment, Source
from editorbot.evaluate.alignment import cut_times_s, null_test_db, score_alignment

RATE = 44100


@pytest.fixture(scope="module")
def tracks(tmp_path_factory) -> list[Path]:
    folder = tmp_path_factory.mktemp("tracks")
    paths = [folder / "a.flac", folder / "b.flac"]
    for seed, path in enumerate(paths):
        io.write(path, music(40, rate=RATE, seed=seed), sample_rate=RATE, channels=2)
    return paths


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("level", ["splice", "arranged"])
def test_random_pairs_are_what_editorbot_renders_of_their_lists(tracks, tmp_path, level, seed):
    pair = random_pair(*tracks, tmp_path, level=level, seed=seed, seconds=12)
    assert null_test_db(pair.truth, pair.edit) < -120


@pytest.mark.parametrize("level", LEVELS[2:])
def test_random_pairs_of_every_level_last_as_long_as_their_list(tracks, tmp_path, level):
    for seed in range(4):
        pair = random_pair(*tracks, tmp_path / str(seed), level=level, seed=seed, seconds=12)
        info = io.probe(pair.edit)
        seconds = pair.truth.samples / pair.truth.sample_rate
        assert info.samples / info.sample_rate == pytest.approx(seconds, abs=2 / RATE)


def test_a_long_pair_copies_its_raw(tracks, tmp_path):
    pair = long_pair(tracks, tmp_path, minutes=1.5, seed=0)
    assert io.probe(pair.raw).samples == 90 * RATE
    assert null_test_db(pair.truth, pair.edit) < -150


def test_a_path_becomes_runs_of_one_distance():
    times = np.arange(0, 10, 0.02)
    jitter = 0.01 * np.random.default_rng(0).uniform(-1, 1, len(times))
    heard = times + np.where(times < 4, 20, 5) + jitter
    heard[times >= 8] = np.nan
    heard[100:103] = 300  # an outlier of 60 ms is no run
    source = Source(path="r", sample_rate=RATE, channels=1, samples=60 * RATE, sha256="")
    runs = [(0, 4, 20), (4, 8, 9), (8, 10, None)]
    truth = Edit(
        sample_rate=RATE,
        samples=10 * RATE,
        sources=(source,),
        segments=tuple(
            Segment(
                out_start=start * RATE,
                out_end=stop * RATE,
                source=None if at is None else 0,
                src_start=None if at is None else at * RATE,
                src_end=None if at is None else (at + stop - start) * RATE,
            )
            for start, stop, at in runs
        ),
    )
    found = as_edit(np.stack([times, heard], axis=1), truth)
    assert cut_times_s(found) == pytest.approx([4, 8], abs=0.03)
    scores = score_alignment(truth, found)
    assert scores.cut_f1 == 1
    assert scores.within_1 > 0.98
    assert scores.no_source_f1 > 0.98
