"""Confidences: higher where a list is right than where it is not, and honest about repeats."""

import json

import numpy as np
import pytest
from edit_pairs import RATE, music, random_edit, rendered, write_pair

from editorbot.align.align import align
from editorbot.align.cut_grounds import CutGrounds, log_odds, with_odds
from editorbot.align.features import compute_features
from editorbot.align.rating import HIGHEST, KINDS, Model, models, rated
from editorbot.align.replay import Sound
from editorbot.align.segment_grounds import CopyGrounds
from editorbot.align.sides import open_pair
from editorbot.align.write import write_list
from editorbot.edl.model import Edit, with_ops
from editorbot.edl.serialize import read_edit
from editorbot.params import AlignParams

PARAMS = AlignParams()


@pytest.fixture(scope="module")
def raw() -> np.ndarray:
    return music(40, seed=5)


@pytest.fixture(scope="module")
def paths(tmp_path_factory, raw):
    truth = random_edit(raw, seed=3, segments=6, shortest_s=2, longest_s=4)
    return write_pair(tmp_path_factory.mktemp("pair"), raw, rendered(truth, raw))


@pytest.fixture(scope="module")
def found(paths):
    return align(*paths, params=PARAMS)


def test_exact_copies_and_their_cuts_are_sure(found):
    assert len(found.edit.segments) == 6
    assert min(s.confidence for s in found.edit.segments) > 0.95
    assert len(found.info.cut_confidences) == 5
    assert min(found.info.cut_confidences) > 0.95


def test_all_segments_and_cuts_have_one(tmp_path, raw):
    rng = np.random.default_rng(0)
    parts = [
        np.zeros((1, 2 * RATE)),
        raw[:, : 5 * RATE],
        raw[:, 20 * RATE : 24 * RATE][:, ::-1],
        raw[:, 10 * RATE : 15 * RATE] * np.linspace(1, 0.1, 5 * RATE),
        music(3, seed=99),
    ]
    edited = np.concatenate(parts, axis=1)
    edited = edited + rng.normal(0, 0.002, edited.shape)
    found = align(*write_pair(tmp_path, raw, edited), params=PARAMS)
    assert {s.has_source for s in found.edit.segments} == {True, False}
    assert any(s.reverse for s in found.edit.segments)
    given = [s.confidence for s in found.edit.segments]
    assert len(found.info.cut_confidences) == len(given) - 1
    assert all(0 < p < 1 for p in [*given, *found.info.cut_confidences])


def test_a_run_that_the_raw_has_twice_is_in_doubt(tmp_path):
    verse, other, coda = (music(s, seed=n) for s, n in ((8, 10), (7, 11), (8, 12)))
    edited = np.concatenate([other[:, RATE : 6 * RATE], verse[:, 2 * RATE : 7 * RATE]], axis=1)
    once, twice = (tmp_path / name for name in ("once", "twice"))
    given = []
    for folder, parts in ((once, (verse, other, coda)), (twice, (verse, other, verse, coda))):
        folder.mkdir()
        pair = write_pair(folder, np.concatenate(parts, axis=1), edited)
        given.append([s.confidence for s in align(*pair, params=PARAMS).edit.segments])
    assert [len(each) for each in given] == [2, 2]
    assert given[0][1] > 0.95
    assert given[1][1] < 0.9
    assert given[1][0] == pytest.approx(given[0][0], abs=0.02), "the other run is there once"


def test_a_wrong_list_of_the_same_sound_is_in_doubt(paths, found):
    right = found.edit
    moved = rating(paths, with_second(right, by_s=0.3))
    assert moved.edit.segments[1].confidence < 0.6
    for number in (0, 2, 3, 4, 5):
        assert moved.edit.segments[number].confidence > 0.9
    # The sound does change at its ends: of these little is lost.
    for cut, before in zip(moved.cut_confidences, found.info.cut_confidences, strict=True):
        assert cut <= before
    assert moved.cut_confidences[0] < found.info.cut_confidences[0]


@pytest.mark.parametrize("by_s", [-0.12, 0.12])
def test_a_misplaced_cut_is_in_doubt(paths, found, by_s):
    segments = list(found.edit.segments)
    shift = round(by_s * RATE)
    before, after = segments[2:4]
    segments[2] = before.model_copy(
        update={"out_end": before.out_end + shift, "src_end": before.src_end + shift}
    )
    segments[3] = after.model_copy(
        update={"out_start": after.out_start + shift, "src_start": after.src_start + shift}
    )
    given = rating(paths, with_segments(found.edit, segments)).cut_confidences
    assert given[2] < 0.5
    assert min(given[:2] + given[3:]) > 0.95


def test_sound_called_foreign_that_is_in_the_raw_makes_its_cut_doubtful(paths, found):
    segments = list(found.edit.segments)
    split = found.edit.segments[2]
    middle = (split.out_start + split.out_end) // 2
    place = {"out_start": middle, "source": None, "src_start": None, "src_end": None}
    segments[2:3] = [
        split.model_copy(
            update={"out_end": middle, "src_end": split.src_start + middle - split.out_start}
        ),
        split.model_copy(update=place),
    ]
    given = rating(paths, with_segments(found.edit, segments))
    assert given.edit.segments[3].confidence < min(
        s.confidence for s in given.edit.segments if s.has_source
    )
    assert given.cut_confidences[2] < 0.5


def rating(paths, edit: Edit):
    with open_pair(paths[:1], paths[1]) as (raw, edited):
        sound = Sound(compute_features(raw.wave), compute_features(edited.wave))
        bare = with_segments(
            edit,
            [
                s.model_copy(update={"confidence": 1.0 if s.has_source else None})
                for s in edit.segments
            ],
        )
        return rated(bare, raw, edited, sound, clock=1.0)


def with_second(edit: Edit, *, by_s: float) -> Edit:
    """The list, its second segment played from so much later in the raw."""
    segments, shift = list(edit.segments), round(by_s * RATE)
    second = segments[1]
    place = {name: getattr(second, name) + shift for name in ("src_start", "src_end")}
    segments[1] = second.model_copy(update=place)
    return with_segments(edit, segments)


def with_segments(edit: Edit, segments) -> Edit:
    return edit.model_copy(update={"segments": with_ops(segments)})


def test_a_list_that_is_right_is_rated_alike_again(paths, found):
    again = rating(paths, found.edit)
    assert again.edit == found.edit
    assert again.cut_confidences == found.info.cut_confidences


def test_noise_makes_less_sure(tmp_path, raw, found):
    truth = random_edit(raw, seed=3, segments=6, shortest_s=2, longest_s=4)
    edited = rendered(truth, raw)
    noise = np.random.default_rng(1).normal(0, 0.3 * edited.std(), edited.shape)
    noisy = align(*write_pair(tmp_path, raw, edited + noise), params=PARAMS)
    assert np.mean([s.confidence for s in noisy.edit.segments]) < np.mean(
        [s.confidence for s in found.edit.segments]
    )
    assert np.mean(noisy.info.cut_confidences) < np.mean(found.info.cut_confidences)


def test_the_files_hold_them(tmp_path, found):
    write_list(found, edit_json=tmp_path / "edit.json", info_json=tmp_path / "info.json")
    assert read_edit(tmp_path / "edit.json") == found.edit
    info = json.loads((tmp_path / "info.json").read_text())
    assert tuple(info["cut_confidences"]) == found.info.cut_confidences


def test_a_model_is_the_logistic_function_within_its_bounds():
    model = Model(0.5, (2.0, -1.0))
    assert model.confidence((0.25, 1.0)) == pytest.approx(0.5)
    assert model.confidence((1.0, 0.5)) == pytest.approx(1 / (1 + np.exp(-2)), abs=1e-4)
    assert model.confidence((99.0, 0.0)) == HIGHEST
    assert model.confidence((-99.0, 0.0)) == pytest.approx(1 - HIGHEST)


def test_of_two_places_alike_either_may_be_right():
    model = Model(3.0, (0.0,) * len(CopyGrounds._fields), place_power=0.5)
    once = CopyGrounds(*[0.0] * len(CopyGrounds._fields))
    sure = 1 / (1 + np.exp(-3))
    assert model.confidence(once) == pytest.approx(sure, abs=1e-4)
    twice = model.confidence(once._replace(place=-1.0))
    assert twice == pytest.approx(sure * 0.5**0.5, abs=1e-4)


def test_stored_weights_fit_the_grounds(tmp_path):
    assert set(models()) == set(KINDS.values())
    stored = {
        name: {"bias": 0.0, "place_power": 1.0, "weights": dict.fromkeys(kind._fields, 1.0)}
        for name, kind in KINDS.items()
    }
    stored["copy"]["weights"].pop("least")
    path = tmp_path / "models.json"
    path.write_text(json.dumps(stored))
    with pytest.raises(ValueError, match=r"models\.json: copy has weights for .*least"):
        models(path)
    assert CopyGrounds in models()


def test_a_cut_is_as_doubtful_as_the_more_doubtful_side():
    cut = CutGrounds(*[0.0] * len(CutGrounds._fields))
    first, second = with_odds([cut, cut], [0.9, 0.6, 0.99])
    assert first.odds == second.odds == pytest.approx(np.log(0.6 / 0.4))
    assert log_odds(0.5) == pytest.approx(0)
    assert log_odds(1.0) == pytest.approx(-log_odds(0.0)) == pytest.approx(9)
