"""Steps that are compared by what sets them apart, whatever level, tone and beginning they have."""

import numpy as np
import pytest

from editorbot.pointer_network.path import step_vectors as module
from editorbot.pointer_network.path.step_vectors import step_vectors

from .takes import STRIDE, playing


def test_level_and_tone_leave_vectors_alike():
    mel = playing(80, seed=4) * 0.8 + 0.1
    tone = 0.05 * np.sin(np.linspace(0, 3, 128))[:, None]
    one, other = (step_vectors(x, stride=STRIDE) for x in (mel, mel + tone - 0.03))
    assert np.linalg.norm(one - other, axis=1).max() < 0.02
    assert np.linalg.norm(one, axis=1).max() <= 1 + 1e-5


def test_steps_are_told_apart_by_what_is_rare():
    """Two chords alternate throughout; above them a figure is played twice."""
    steps, period = 300, 100
    rng = np.random.default_rng(0)
    chords = np.repeat(rng.integers(0, 2, steps), STRIDE)
    mel = 0.1 + 0.6 * (rng.random((128, 2)) < 0.3)[:, chords]
    figure = np.repeat(rng.random((128, period)) < 0.05, STRIDE, axis=1)
    mel += 0.2 * np.tile(figure, steps // period)
    vectors = step_vectors(mel, stride=STRIDE)
    inner = np.arange(5, period - 5)
    again = np.sum(vectors[inner] * vectors[inner + period], axis=1)
    others = vectors[inner] @ vectors[period + 5 : 2 * period - 5].T
    others = others[~np.eye(len(inner), dtype=bool)]
    assert np.median(again) > 5 * others.std()


def test_a_step_is_found_again_that_begins_elsewhere():
    passage = playing(100, seed=1)
    between = playing(60, seed=2)[:, : -STRIDE // 2]
    vectors = step_vectors(np.concatenate([passage, between, passage], axis=1), stride=STRIDE)
    inner = np.arange(5, 90)
    products = [np.sum(vectors[inner] * vectors[inner + lag], axis=1) for lag in (159, 160)]
    assert np.median(np.max(products, axis=0)) > 0.85


def test_a_take_in_another_tone_is_as_alike_as_a_copy():
    passage, between = (playing(steps, seed=steps) * 0.8 + 0.1 for steps in (100, 60))
    tone = 0.1 * np.sin(np.linspace(0, 3, 128))[:, None]
    mel = np.concatenate([passage, between, passage + tone], axis=1)
    vectors = step_vectors(mel, stride=STRIDE)
    inner = np.arange(5, 95)
    assert np.median(np.sum(vectors[inner] * vectors[inner + 160], axis=1)) > 0.97


def test_faint_sound_agrees_with_nothing_fully():
    mel = np.concatenate([playing(100, seed=1), 0.03 * playing(20, seed=2)], axis=1) + 0.1
    norms = np.linalg.norm(step_vectors(mel, stride=STRIDE), axis=1)
    assert norms[5:95].mean() > 0.95 and norms[105:115].max() < 0.7


def test_what_falls_is_no_onset():
    mel = np.full((128, 30 * STRIDE), 0.1)
    mel[40, 10 * STRIDE : 20 * STRIDE] = 0.8
    _, onsets = module._shape_and_onsets(mel, 0, 30, STRIDE)
    assert onsets[9:11, 40].max() > 0 and not onsets[12:].any() and not onsets[:8].any()


def test_blocks_do_not_show(monkeypatch):
    mel = playing(230, seed=1)[:, :-3]
    whole = step_vectors(mel, stride=STRIDE)
    monkeypatch.setattr(module, "BLOCK_STEPS", 37)
    np.testing.assert_allclose(step_vectors(mel, stride=STRIDE), whole, atol=1e-4)


@pytest.mark.parametrize("bands", [16, 100, 128, 200])
def test_any_number_of_mel_bands_will_do(bands):
    mel = np.resize(playing(40, seed=3), (bands, 40 * STRIDE))
    vectors = step_vectors(mel, stride=STRIDE)
    assert vectors.shape == (40, 2 * min(bands, 128))
    assert np.isfinite(vectors).all() and np.linalg.norm(vectors, axis=1).max() > 0.9
