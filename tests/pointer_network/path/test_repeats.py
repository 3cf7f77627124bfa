from itertools import product

import numpy as np
import pytest
from scipy.ndimage import uniform_filter1d

from editorbot.pointer_network.path import repeats
from editorbot.pointer_network.path.repeats import FEATURES, PARTNERS, SPANS, find_repeats
from editorbot.pointer_network.path.step_vectors import step_vectors

from .takes import STEPS_PER_S, STRIDE, another_take, playing

RNG = np.random.default_rng(5)


@pytest.mark.parametrize("tempo", [1.0, 0.965, 1.035])
def test_takes_of_one_passage_find_each_other(tempo):
    passage, other = playing(150, seed=1), playing(60, seed=2)
    again = another_take(passage, tempo=tempo)
    mel = np.concatenate([passage, other, again, playing(100, seed=3)], axis=1)
    found = find_repeats(step_vectors(mel, stride=STRIDE), steps_per_s=STEPS_PER_S)
    lags = np.array([p - np.arange(len(p)) for p in found.partners.T]).T
    later, earlier = found.partners[:, :SPANS], found.partners[:, SPANS:]
    # 24 to 48 s is no span of lags here, 12 to 24 s is: 210 steps are 19.5 s.
    steps = np.arange(20, 130)
    expected = 210 + steps / tempo
    assert np.abs(later[steps, 4] - expected).max() <= 2
    back = np.round(expected).astype(int)
    assert np.abs(earlier[back, 4] - steps).max() <= 2
    assert lags[steps, 4].min() > 0 > lags[back, SPANS + 4].max()
    # What is nowhere played again has no long alignments; these cover all of the passage.
    features = found.features.reshape(len(lags), 2, SPANS, -1)
    typical = 3 * repeats.TYPICAL
    scores = features[:, :, 4, typical]
    assert scores[steps, 0].min() > 2 * scores[160:200].max()
    reach = np.expm1(3 * features[75, 0, 4, typical + 1 : typical + 3])
    assert reach.sum() == pytest.approx(151, abs=12)


@pytest.mark.parametrize("tempo", [1.0, 0.965, 1.035])
@pytest.mark.parametrize(("away", "span"), [(1300, 7), (3000, 8)])
def test_takes_minutes_apart_find_each_other(tempo, away, span):
    song = playing(300, seed=1)
    again = another_take(song, tempo=tempo)
    parts = [song, playing(away - 300, seed=2), again, playing(53, seed=3)]
    found = find_repeats(
        step_vectors(np.concatenate(parts, axis=1), stride=STRIDE), steps_per_s=STEPS_PER_S
    )
    places = np.arange(len(found.partners))
    of_step = [x.reshape(len(places), 2, SPANS) for x in found[1:]]
    partners, behind, ahead = (x[:, :, span] for x in of_step)
    steps = np.arange(20, 280)
    back = np.round(away + steps / tempo).astype(int)
    assert np.abs(partners[steps, 0] - (away + steps / tempo)).max() <= 3
    assert np.abs(partners[back, 1] - steps).max() <= 4
    # How far they agree is told in steps, not in groups of them.
    assert np.abs(behind[steps, 0] - steps).max() <= 14
    assert np.abs(ahead[steps, 0] - (300 - steps)).max() <= 14
    features = found.features.reshape(len(places), 2, SPANS, -1)
    scores = features[:, 0, span, 3 * repeats.TYPICAL]
    assert scores[steps].min() > 1.5 * scores[400 : away - 100].max()
    lag_s = 1536 * features[150, 0, span, -1]
    assert lag_s == pytest.approx((partners[150, 0] - 150) / STEPS_PER_S, rel=0.01)


def test_what_is_told_does_not_change_where_groups_are_compared():
    song, told = playing(300, seed=1), []
    # 93 s and 99 s: what lies further apart than 96 s is compared by groups.
    for away, span in ((1000, 6), (1062, 7)):
        parts = [song, playing(away - 300, seed=2), song, playing(2503, seed=3)]
        vectors = step_vectors(np.concatenate(parts, axis=1), stride=STRIDE)
        found = find_repeats(vectors, steps_per_s=STEPS_PER_S)
        behind, ahead = (x.reshape(-1, 2, SPANS)[20:280, 0, span] for x in found[2:])
        assert (np.diff(behind) == 1).mean() > 0.95 and (np.diff(ahead) == -1).mean() > 0.95
        assert np.median(behind + ahead) == pytest.approx(300, abs=4)
        told.append(found.features.reshape(-1, 2, SPANS, repeats.PER_SPAN)[150, 0, span, :-1])
    np.testing.assert_allclose(*told, rtol=0.03)


def test_partners_lie_within_the_recording():
    # The last group of the song that comes again holds one step.
    song = playing(204, seed=1)
    parts = [song, playing(2896, seed=2), song[:, : 201 * STRIDE]]
    vectors = step_vectors(np.concatenate(parts, axis=1), stride=STRIDE)
    found = find_repeats(vectors, steps_per_s=STEPS_PER_S)
    last = len(vectors) - 1
    assert found.partners[199:204, 8].tolist() == [last - 1, last, last, last, last]


@pytest.mark.parametrize("scale", repeats.SCALES)
def test_thresholds_are_deviations_from_the_mean_of_what_lies_apart(scale):
    # Its beginning is not like the rest, and steps that meet are alike.
    vectors = uniform_filter1d(RNG.normal(size=(9000, 40)), 6, axis=0).astype(np.float32)
    vectors[:1400] *= 3
    sides = repeats._Sides(vectors, vectors)
    lags = np.arange(1, 60)
    table, _ = repeats._similarities(sides, scale, 0, -(-len(vectors) // scale.group), lags)
    apart = table[:, round(2 * STEPS_PER_S / scale.group) - 1 :]
    apart = apart[apart != 0]
    expected = [apart.mean() + number * apart.std() for number in repeats.THRESHOLDS]
    found = repeats._thresholds(sides, scale, lags, STEPS_PER_S)
    np.testing.assert_allclose(found, expected, rtol=0.15)


def test_of_equals_the_nearest_is_taken_and_a_border_begins_a_span():
    groups, lags, borders = 12, 8, np.array([1, 4, 9])
    ones, phase = np.ones((groups, lags), np.float32), np.zeros((groups, lags), np.uint8)
    cells = ones, ones.astype(np.int32), ones.astype(np.int32), ones, phase
    best = repeats._nothing(groups, 2)
    repeats._take_best(cells, 0, np.array([0, groups]), 1, borders, 1, best)
    assert best.lag[0].tolist() == [[1, 4], [0, 0]]
    assert best.lag[5].tolist() == [[1, 4], [1, 4]]
    assert best.lag[11, 1].tolist() == [1, 4]


@pytest.mark.parametrize(("between", "span"), [(60, 4), (950, 7)])
@pytest.mark.parametrize(("mistake", "reach"), [(5, 151), (40, 71)])
def test_an_alignment_goes_on_across_a_mistake_of_less_than_a_second(mistake, reach, between, span):
    passage = playing(150, seed=1)
    again = passage.copy()
    spoiled = slice(70 * STRIDE, (70 + mistake) * STRIDE)
    again[:, spoiled] = playing(mistake, seed=7)
    parts = [passage, playing(between, seed=2), again, playing(100 + between, seed=3)]
    found = find_repeats(
        step_vectors(np.concatenate(parts, axis=1), stride=STRIDE), steps_per_s=STEPS_PER_S
    )
    features = found.features.reshape(len(found.features), 2, SPANS, -1)
    lengths = np.expm1(3 * features[40, 0, span, 3 * repeats.TYPICAL + 1 : 3 * repeats.TYPICAL + 3])
    assert lengths.sum() == pytest.approx(reach, abs=12)


@pytest.mark.parametrize("between", [50, 1100])
def test_blocks_do_not_show(monkeypatch, between):
    parts = [playing(90, seed=1), playing(between, seed=2), playing(90, seed=1)]
    vectors = step_vectors(np.concatenate(parts, axis=1), stride=STRIDE)
    # Whatever is longer than the margin is cut short there.
    wide = tuple(scale._replace(margin=2048) for scale in repeats.SCALES)
    monkeypatch.setattr(repeats, "SCALES", wide)
    whole = find_repeats(vectors, steps_per_s=STEPS_PER_S)
    monkeypatch.setattr(repeats, "SCALES", tuple(scale._replace(rows=37) for scale in wide))
    parts = find_repeats(vectors, steps_per_s=STEPS_PER_S)
    np.testing.assert_allclose(parts.features, whole.features, atol=1e-4)
    assert (parts.partners == whole.partners).mean() > 0.999
    assert (whole.partners >= 0).sum() > 150


def test_alignments_are_the_best_of_all():
    table = RNG.normal(0.1, 0.4, (5, 3)).astype(np.float32)
    scores, lengths = repeats._accumulated(table, 0.2, 0.3, 1e9)
    for step, lag in product(range(5), range(3)):
        best, length = 0.0, 0
        for first in range(step + 1):
            for way in product(range(3), repeat=step - first):
                way = (*way, lag)
                moves = np.abs(np.diff(way))
                if len(moves) and moves.max() > 1:
                    continue
                score = sum(table[first + i, at] - 0.2 for i, at in enumerate(way))
                score -= 0.3 * moves.sum()
                if score > best + 1e-6:
                    best, length = score, len(way)
        assert scores[step, lag] == pytest.approx(best, abs=1e-5)
        assert lengths[step, lag] == length


@pytest.mark.parametrize("frames", [1, 7, 8, 9, 200])
def test_short_and_silent_recordings(frames):
    for mel in (np.zeros((128, frames), np.float32), playing(30, seed=1)[:, :frames]):
        vectors = step_vectors(mel, stride=STRIDE)
        found = find_repeats(vectors, steps_per_s=STEPS_PER_S)
        assert found.features.shape == (-(-frames // STRIDE), FEATURES)
        assert found.partners.shape == (-(-frames // STRIDE), PARTNERS)
        assert np.isfinite(found.features).all()
        if not mel.any():
            assert (found.partners == -1).all()


def test_an_alignment_ends_where_nothing_agrees_any_more():
    table = np.full((60, 1), 0.7, np.float32)
    table[20:50] = 0.0
    kept, _ = repeats._accumulated(table, 0.2, 0.3, 1e9)
    ended, lengths = repeats._accumulated(table, 0.2, 0.3, 2.0)
    assert kept[29, 0] == pytest.approx(20 * 0.5 - 10 * 0.2)
    assert ended[29, 0] == pytest.approx(20 * 0.5 - 10 * 0.2) and ended[31, 0] == 0
    assert lengths[59, 0] == 10
