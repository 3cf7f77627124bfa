"""Sessions with takes left out: what remains is what would have been made of the others."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from editorbot.edl.frames import FrameGrid
from editorbot.edl.model import Op
from editorbot.errors import EditorbotError
from editorbot.params import MelParams, PathParams, PathSize
from editorbot.pointer_network.path import examples
from editorbot.pointer_network.path.examples import PathDataset
from editorbot.pointer_network.path.features import features_of
from editorbot.pointer_network.path.left_out import Part, read_parts, shortened

from ..songs import N_MELS, mel_of, path_of, write_song
from .takes import STRIDE, playing

GRID = FrameGrid(22050, 256)
STEPS_PER_S = 1 / (STRIDE * GRID.seconds)
VERSE, CHORUS = playing(150, seed=1), playing(120, seed=2)
BREAKS = [playing(steps, seed=10 + steps) for steps in (40, 52, 30, 46)]
WHOLE = [BREAKS[0], VERSE, CHORUS, BREAKS[1], VERSE, BREAKS[2], CHORUS, BREAKS[3]]
PLAYS = [None, (0, True), (1, True), None, (0, True), None, (1, False), None]


def parts_of(mels, plays):
    parts, at = [], 0
    for mel, played in zip(mels, plays, strict=True):
        passage, good = played or (None, False)
        parts.append(Part(at, at + mel.shape[1], passage, good))
        at += mel.shape[1]
    return tuple(parts)


def features(mels):
    return features_of(np.concatenate(mels, axis=1), stride=STRIDE, grid=GRID)


def drawn(plays=PLAYS, seeds=40):
    """What is made of a session, by the number of frames that remain."""
    whole, parts = features(WHOLE), parts_of(WHOLE, plays)
    options = {"stride": STRIDE, "steps_per_s": STEPS_PER_S}
    found = [shortened(whole, parts, np.random.default_rng(s), **options) for s in range(seeds)]
    assert any(less is None for less in found)
    return {len(less.features.mel): less for less in found if less is not None}


def runs_of(less):
    return [(round(start), round(end)) for start, end in less.labels.runs]


def test_only_what_is_played_well_elsewhere_is_left_out():
    # The second verse can go, then the first one is kept; and the spoiled chorus; not the first
    # take, in which the only good chorus is.
    lengths = [mel.shape[1] for mel in WHOLE]
    no_verse = sum(lengths) - sum(lengths[4:6])
    no_chorus = sum(lengths) - lengths[6]
    neither = no_verse - lengths[6]
    assert set(drawn()) == {no_verse, no_chorus, neither}
    assert runs_of(drawn()[no_verse]) == [(40, 310)]
    assert runs_of(drawn()[no_chorus]) == [(190, 310), (362, 512)]
    # Where the last chorus was good, the first take can go.
    well = drawn([*PLAYS[:6], (1, True), None])
    no_first = sum(lengths) - sum(lengths[1:4])
    assert set(well) == {no_verse, no_chorus, neither, no_first}
    assert runs_of(well[no_first]) == [(40, 190), (220, 340)]


def test_what_remains_is_as_if_nothing_else_had_been_played():
    less = drawn()[sum(mel.shape[1] for mel in WHOLE[:6] + WHOLE[7:])]
    alone = features([*WHOLE[:6], WHOLE[7]])
    np.testing.assert_array_equal(less.features.mel, alone.mel)
    assert less.features.steps == alone.steps
    steps = np.arange(60, 170)
    here, there = (
        x.repeats.partners[steps].reshape(len(steps), 2, -1) for x in (less.features, alone)
    )
    spans = np.unique(np.nonzero(there[:, 0] - steps[:, None] == 322)[1])
    assert len(spans) == 1
    for one, other in zip(less.features.repeats, alone.repeats, strict=True):
        one, other = (x[steps].reshape(len(steps), 2, 11, -1)[:, 0, spans[0]] for x in (one, other))
        # How alike two steps are is measured by the recording's own deviations.
        one, other = (np.delete(x, -2, axis=-1) if x.shape[-1] > 1 else x for x in (one, other))
        np.testing.assert_allclose(one.astype(float), other.astype(float), atol=0.1)
    assert (here[:, 0, spans[0]] == steps + 322).all()
    # Of what is gone nothing is told.
    chorus = less.features.repeats.partners[200:300].reshape(100, 2, -1)[:, 0]
    assert (chorus < alone.steps).all() and (chorus[:, spans[0]] == -1).mean() > 0.9


def test_what_agreed_with_one_take_that_is_gone_agrees_still():
    verse = playing(60, seed=3)
    mels = [verse, playing(80, seed=4), verse, BREAKS[2], verse, BREAKS[1], CHORUS]
    plays = [(0, True), None, (0, True), None, (0, True), None, (1, True)]
    whole, parts = features(mels), parts_of(mels, plays)
    steps = np.arange(8, 52)
    # 13 and 21 s away the verse comes again; of one span of lags the nearer one is told.
    later = whole.repeats.partners[steps].reshape(len(steps), 2, 11)[:, 0]
    assert (later[:, 4] == steps + 140).all() and (later != (steps + 230)[:, None]).all()
    options = {"stride": STRIDE, "steps_per_s": STEPS_PER_S}
    for seed in range(60):
        less = shortened(whole, parts, np.random.default_rng(seed), **options)
        if less is not None and runs_of(less) == [(140, 200), (252, 372)]:
            break
    of_step = [x[steps].reshape(len(steps), 2, 11, -1)[:, 0] for x in less.features.repeats]
    assert (of_step[1][:, 4, 0] == steps + 140).all()
    told, behind, ahead = of_step[0][:, 4], of_step[2][:, 4, 0], of_step[3][:, 4, 0]
    assert (told[:, 3] > 3).all() and np.abs(behind - steps - 1).max() < 6
    assert np.abs(behind + ahead - 60).max() < 8


def test_what_comes_nearer_is_told_among_what_is_near():
    mels = [VERSE, BREAKS[0], playing(500, seed=5), BREAKS[1], VERSE, BREAKS[2]]
    plays = [(0, True), None, (1, False), None, (0, True), None]
    options = {"stride": STRIDE, "steps_per_s": STEPS_PER_S}
    for seed in range(40):
        less = shortened(
            features(mels), parts_of(mels, plays), np.random.default_rng(seed), **options
        )
        if less is not None and less.features.steps == 150 + 40 + 150 + 30:
            break
    steps = np.arange(20, 130)
    of_step = [x[steps].reshape(len(steps), 2, 11, -1)[:, 0] for x in less.features.repeats]
    # 190 steps are 17.6 s, in the span from 12 to 24 s; they were 742, 69 s.
    assert (of_step[1][:, 4, 0] == steps + 190).mean() > 0.95
    assert (of_step[1][:, 6, 0] == -1).all() and not of_step[0][:, 6].any()
    np.testing.assert_allclose(of_step[0][:, 4, -1], 190 / STEPS_PER_S / 96, atol=2e-3)
    beats = np.diff(less.features.beats)
    assert beats.min() >= 0 and beats.max() < 1


def test_the_edit_of_the_rest_skips_where_it_jumps():
    less = drawn()[sum(mel.shape[1] for mel in WHOLE[:6] + WHOLE[7:])]
    assert less.ops[0] == Op.COPY and (less.ops == Op.SKIP).sum() == 1
    assert np.diff(less.pointers)[np.flatnonzero(less.ops == Op.SKIP) - 1] > 1


@pytest.fixture
def jam(tmp_path):
    def write(plays=((0, True), (0, True)), stored=None):
        song = write_song(tmp_path, "jam.1", mel_of(800, seed=0), path_of((500, 700)))
        parts = [
            {"start_s": a * GRID.seconds, "end_s": b * GRID.seconds, "passage": p, "good": g}
            for (a, b), (p, g) in zip(
                ((0, 96), (96, 304), (304, 504), (504, 704), (704, 800)),
                ((None, False), plays[0], (None, False), plays[1], (None, False)),
                strict=True,
            )
        ]
        path = tmp_path / "jam_parts.json"
        path.write_text(json.dumps(parts) if stored is None else stored)
        return replace(song, parts=path)

    return write


def dataset(song, *, augment=True):
    params = PathParams(size=PathSize(stride=8))
    return PathDataset([song], params=params, mel=MelParams(n_mels=N_MELS), augment=augment)


def test_a_simulated_song_is_learned_from_with_and_without_some_takes(jam, monkeypatch):
    torch.manual_seed(0)
    songs = dataset(jam())
    lengths = [len(songs[0].features.mel) for _ in range(60)]
    assert set(lengths) == {800, 600, 392}
    without = next(song for song in (songs[0] for _ in range(60)) if len(song.features.mel) == 600)
    assert [(round(a), round(b)) for a, b in without.labels.runs] == [(12, 38)]
    assert (without.ops >= 0).sum() == pytest.approx(26, abs=1)
    assert len(without.ops) == without.features.steps == 75
    # What chooses how to decode is heard as it is.
    assert {len(dataset(jam(), augment=False)[0].features.mel) for _ in range(20)} == {800}
    monkeypatch.setattr(examples, "SHORTENED_SHARE", 0.0)
    assert {len(songs[0].features.mel) for _ in range(20)} == {800}


def test_what_is_needed_stays(jam):
    songs = dataset(jam(plays=((0, True), (1, True))))
    assert {len(songs[0].features.mel) for _ in range(20)} == {800}


@pytest.mark.parametrize("stored", ["", "[1]", '[{"start_s": 0}]'])
def test_parts_that_cannot_be_read_are_refused(jam, stored):
    with pytest.raises(EditorbotError, match=r"jam_parts\.json (does not tell|is not valid)"):
        dataset(jam(stored=stored))


def test_parts_are_told_in_frames(jam):
    parts = read_parts(jam().parts, song="jam.1", grid=GRID)
    assert parts[1] == Part(96, 304, 0, True) and parts[2] == Part(304, 504, None, False)
