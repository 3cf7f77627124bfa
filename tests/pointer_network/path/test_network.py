"""The network hears every step, tells partners of each other, and does not mind padding."""

import numpy as np
import pytest
import torch
from torch import nn

from editorbot.edl.frames import FrameGrid
from editorbot.params import PathParams, PathSize
from editorbot.pointer_network.path.answers import answers_of
from editorbot.pointer_network.path.augment import MOST_BANDS, augmented
from editorbot.pointer_network.path.examples import PathExample, collate
from editorbot.pointer_network.path.features import BANDS, features_of
from editorbot.pointer_network.path.labels import labels_of
from editorbot.pointer_network.path.losses import PathTask, resume_targets
from editorbot.pointer_network.path.network import PathNetwork
from editorbot.pointer_network.path.repeats import (
    DIRECTIONS,
    LONG_SPANS,
    PER_SPAN,
    SPANS,
    Repeats,
)
from editorbot.pointer_network.path.terms import Run
from editorbot.pointer_network.songs import STEMS

from ..songs import mel_of, path_of

torch.set_num_threads(1)
STRIDE = 4
SIZE = PathSize(stride=STRIDE, width=16, feedforward=16, partner_width=4, dropout=0.0)
GRID = FrameGrid(22050, 256)


def example(frames=801, *, seed=0, runs=((80, 200), (100, 200), (240, 300))):
    # The second half is the first one again, a little louder.
    half = mel_of(frames // 2, seed=seed)
    mel = np.concatenate([half, 0.9 * half, half[:, : frames % 2]], axis=1)
    pointers = path_of(*runs)
    steps = -(-frames // STRIDE)
    ops = np.full(steps, -100)
    ops[20:70] = 0
    return PathExample(
        f"song {seed}",
        features_of(mel, stride=STRIDE, grid=GRID),
        None,
        labels_of(pointers, raw_frames=frames, stride=STRIDE),
        ops,
    )


@pytest.fixture
def model():
    torch.manual_seed(0)
    return PathNetwork(SIZE, stems=False).eval()


def task(model):
    return PathTask(
        model, params=PathParams(size=SIZE), step_s=STRIDE * GRID.seconds, recompute=False
    )


def test_a_song_is_judged_alike_alone_and_beside_a_longer_one(model):
    short, long = example(801), example(1203, seed=1)
    alone = model(collate([short], stride=STRIDE).inputs)
    beside = model(collate([long, short], stride=STRIDE).inputs)
    for name in ("keep", "start", "end", "leave", "ops", "states"):
        ours = getattr(beside, name)[1, : short.features.steps]
        torch.testing.assert_close(ours, getattr(alone, name)[0], rtol=1e-4, atol=1e-5)


def test_losses_are_means_over_songs_and_reach_every_weight(model):
    torch.manual_seed(1)
    losses = task(model).train().step(collate([example()], stride=STRIDE)).losses
    assert set(losses) == set(PathParams().loss_weights.model_dump())
    sum(losses.values()).backward()
    silent = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    # Some distances and kinds of partners are not met in so short a song.
    assert set(silent) <= {"pointer.distance", "pointer.alike", "pointer.beats_between"}


def test_recomputing_layers_changes_nothing_but_memory(model):
    batch = collate([example()], stride=STRIDE)
    torch.testing.assert_close(model(batch.inputs, recompute=True), model(batch.inputs))


def test_a_step_hears_of_its_partner_far_away(model):
    batch = collate([example(1601)], stride=STRIDE)
    there = (batch.inputs.partners[0, 60] > 100).nonzero()
    assert len(there), "the second half plays the first one again"
    blind = batch.inputs._replace(partners=torch.full_like(batch.inputs.partners, -1))
    assert not torch.allclose(model(batch.inputs).keep[0, 60], model(blind).keep[0, 60])


def test_where_the_path_goes_on_is_a_probability_of_every_step_and_the_end(model):
    song = example()
    odds = answers_of(model, song.features, None).resume(
        [40, song.features.steps], False, [Run(0, 40)]
    )
    assert odds.shape == (3, song.features.steps + 1)
    np.testing.assert_allclose(odds.sum(axis=1), 1, rtol=1e-5)


def test_many_leaves_are_answered_as_one_is(model):
    song = example()
    nn.init.normal_(model.pointer.start_from, std=0.05)
    resume = answers_of(model, song.features, None).resume
    runs, leaves = [Run(0, 40), Run(60, 90)], list(range(10, 90))
    together = resume(leaves, True, runs)
    assert together.shape == (81, song.features.steps + 1)
    for leave in (10, 41, 42, 89):
        alone = resume([leave], True, runs)
        np.testing.assert_allclose(together[[0, leave - 9]], alone, rtol=1e-4, atol=1e-7)
    assert np.abs(resume([41], False, runs) - resume([41], True, runs)).max() > 1e-6


def test_learned_songs_are_heard_in_other_keys_their_stems_too():
    features, rng = example().features, np.random.default_rng(0)
    stems = np.tile(features.mel[::-1], (1, STEMS))
    wide = np.pad(features.mel, ((0, 0), (MOST_BANDS, MOST_BANDS)), mode="edge")
    keys = {
        moved: wide[:, MOST_BANDS - moved :][:, :BANDS]
        for moved in range(-MOST_BANDS, MOST_BANDS + 1)
    }
    heard = set()
    for _ in range(100):
        changed, its_stems = augmented(features, stems, rng)
        (moved,) = (key for key, mel in keys.items() if np.array_equal(mel, changed.mel))
        heard.add(moved)
        for part in np.split(its_stems, STEMS, axis=1):
            np.testing.assert_array_equal(part, keys[moved][::-1])
        np.testing.assert_array_equal(changed.repeats.partners, features.repeats.partners)
    assert heard == set(keys)


def test_what_comes_again_minutes_later_is_learned_as_if_it_came_later_still():
    song = example()
    steps, first = song.features.steps, SPANS - LONG_SPANS
    shape = steps, DIRECTIONS, SPANS
    told = np.zeros((*shape, PER_SPAN), np.float16)
    partners, reach = np.full(shape, -1, np.int32), np.zeros(shape, np.int32)
    told[5, 0, first], partners[5, 0, first], reach[5, 0, first] = 0.1, 50, 7
    parts = (x.reshape(steps, -1) for x in (told, partners, reach, 2 * reach))
    features = song.features._replace(repeats=Repeats(*parts))
    heard, rng = set(), np.random.default_rng(0)
    for _ in range(30):
        repeats = augmented(features, None, rng)[0].repeats
        found = np.flatnonzero(repeats.partners[5].reshape(2, SPANS)[0] >= 0)
        (span,) = found
        heard.add(int(span))
        lag = repeats.features[5].reshape(*shape[1:], PER_SPAN)[0, span, -1]
        assert lag == pytest.approx(0.1 * 2 ** (span - first), rel=0.5)
        for part, value in zip(repeats[1:], (50, 7, 14), strict=True):
            assert part[5].reshape(2, SPANS)[0, span] == value
    assert heard == set(range(first, SPANS))


@pytest.mark.parametrize(("step", "is_heard"), [(14, True), (15, False), (37, True), (36, False)])
def test_a_step_hears_of_the_ends_of_the_stretches_that_agree(model, step, is_heard):
    """Of steps 8 to 14 and 37 to 43: the last of the earlier and the first of the later ones."""
    inputs = collate([example()], stride=STRIDE).inputs
    alone = torch.full_like(inputs.partners, -1)
    nothing = torch.zeros_like(alone)
    partners, behind, ahead = alone.clone(), nothing.clone(), nothing.clone()
    partners[0, 10, 0], behind[0, 10, 0], ahead[0, 10, 0] = 39, 3, 5
    inputs = inputs._replace(partners=partners, behind=behind, ahead=ahead)
    states, mask = torch.zeros(1, partners.shape[1], SIZE.width), torch.ones(1, partners.shape[1])
    # What is counted is left out, so that only single states are heard.
    torch.nn.init.zeros_(model.partners.counted.weight)
    before = model.partners(states, mask, inputs)[0, 10]
    states[0, step] = 1.0
    heard = model.partners(states, mask, inputs)[0, 10]
    assert (not torch.allclose(before, heard)) == is_heard


def test_starts_of_runs_are_meant_exactly_and_other_places_about():
    pointers = path_of((83, 200), (150, 200), (240, 300))
    targets = resume_targets(labels_of(pointers, raw_frames=400, stride=8)).numpy()
    np.testing.assert_allclose(targets.sum(axis=1), 1, rtol=1e-6)
    begin, back, onward, over = targets
    assert begin[10] == onward[30] == over[50] == 1
    assert back.argmax() == 19 and back[18] > 0.2 and 0.01 < back[20] < back[18]
