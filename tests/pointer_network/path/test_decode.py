"""What the network answers becomes runs; the dynamic program is held against trying all."""

from itertools import product

import numpy as np
import pytest

from editorbot.pointer_network.path.decode import decode_path, kept_runs
from editorbot.pointer_network.path.terms import Answers, Limits, PathDecoding, Run

SURE = 8.0


def answers(keep, *, start=None, end=None, leave=None, goes_on=None, then=None):
    """`goes_on` maps where the path leaves, None for the edit's beginning, to where it resumes, or
    to how likely it resumes at each of some places.

    `then` does so for the second time that it leaves there, where that differs.
    """
    steps = len(keep)
    goes_on = goes_on or {}

    def resume(leaves, again, runs):
        odds = np.full((len(leaves) + 1, steps + 1), 1 / (steps + 1))
        to = {**goes_on, **(then or {})} if again else goes_on
        for row, leave in enumerate([None, *leaves]):
            if leave in to:
                odds[row] = 0
                place = to[leave]
                for there, chance in (place if isinstance(place, dict) else {place: 1}).items():
                    odds[row, there] = chance
        return odds

    logits = [np.asarray(keep, float)]
    for given in (start, end, leave):
        logits.append(np.full(steps, -SURE) if given is None else np.asarray(given, float))
    return Answers(*logits, resume, list)


def at(steps, *places):
    """Logits that are sure of borders, which lie between two steps."""
    logits = np.full(steps, -SURE)
    for place in places:
        logits[[place - 1, place]] = SURE
    return logits


def mask(runs, steps):
    kept = np.zeros(steps, bool)
    for run in runs:
        kept[int(run.start) : int(run.end)] = True
    return kept


def worth(given, decoding, kept):
    """What a way to keep (R,) steps is worth, by the definition."""
    pad = [np.pad(x, 1, mode="edge") for x in (given.start, given.end)]
    begin, stop = ((x[1:] + x[:-1]) / 2 - decoding.cut_cost for x in pad)
    changes = np.diff(kept.astype(int), prepend=0, append=0)
    total = decoding.keep_weight * given.keep[kept].sum()
    return total + begin[changes == 1].sum() + stop[changes == -1].sum()


@pytest.mark.parametrize("seed", range(8))
def test_no_other_choice_is_worth_more(seed):
    keep, start, end = np.random.default_rng(seed).normal(0.5, 2, (3, 9))
    given, decoding = answers(keep, start=start, end=end), PathDecoding(0.7, 0.5)
    every = (np.array(x, bool) for x in product([0, 1], repeat=9))
    best = max(worth(given, decoding, kept) for kept in every)
    assert best > 0
    found = mask(kept_runs(given, decoding, Limits()), 9)
    assert worth(given, decoding, found) == pytest.approx(best)


def test_runs_are_played_along_the_raw_unless_the_network_knows_better():
    keep = np.repeat([SURE, -SURE, SURE, -SURE, SURE], 10)
    plain = [Run(0, 10), Run(20, 30), Run(40, 50)]
    edges = {"start": at(50, 20, 40), "end": at(50, 10, 30)}
    assert decode_path(answers(keep, **edges), PathDecoding()) == plain
    swapped = answers(keep, **edges, goes_on={None: 20, 30: 0, 10: 40})
    assert decode_path(swapped, PathDecoding(reorder=0.5)) == [plain[1], plain[0], plain[2]]
    assert decode_path(swapped, PathDecoding()) == plain


def test_a_loop_is_played_again_once():
    keep = np.full(60, SURE)
    again = answers(keep, leave=at(60, 40), goes_on={40: 20})
    assert decode_path(again, PathDecoding(leave=0.5)) == [Run(0, 40), Run(20, 60)]
    assert decode_path(again, PathDecoding()) == [Run(0, 60)]


def test_where_a_run_ends_what_was_played_is_played_again():
    keep = np.repeat([SURE, -SURE, SURE], 20)
    edges = {"start": at(60, 40), "end": at(60, 20)}
    again = answers(keep, **edges, goes_on={20: 12, 60: 50}, then={20: 40, 60: 60})
    once, twice = [Run(0, 20), Run(40, 60)], [Run(0, 20), Run(12, 20), Run(40, 60), Run(50, 60)]
    assert decode_path(again, PathDecoding(replay=0.5)) == twice
    assert decode_path(again, PathDecoding()) == once


@pytest.mark.parametrize(
    ("goes_on", "again"),
    [
        ({8: 0.25, 12: 0.3, 16: 0.25, 40: 0.2}, [Run(12, 20)]),
        ({12: 0.4, 50: 0.6}, []),
        ({2: 1.0}, [Run(0, 20)]),
    ],
    ids=["plain that, not where", "it goes on", "from about the start"],
)
def test_what_is_played_again_was_played_before(goes_on, again):
    keep = np.repeat([SURE, -SURE, SURE], 20)
    edges = {"start": at(60, 40), "end": at(60, 20)}
    given = answers(keep, **edges, goes_on={20: goes_on, 60: 60}, then={20: 40})
    assert decode_path(given, PathDecoding(replay=0.5)) == [Run(0, 20), *again, Run(40, 60)]


def test_what_was_played_last_comes_first_and_each_end_is_played_again():
    keep = np.repeat([SURE, -SURE, SURE, -SURE, SURE], 20)
    edges = {"start": at(100, 40, 80), "end": at(100, 20, 60)}
    goes_on = {None: 80, 100: 92, 20: 12, 60: 52}
    arranged = answers(keep, **edges, goes_on=goes_on, then={100: 0, 20: 40, 60: 100})
    assert decode_path(arranged, PathDecoding(reorder=0.5, replay=0.5)) == [
        Run(80, 100),
        Run(92, 100),
        Run(0, 20),
        Run(12, 20),
        Run(40, 60),
        Run(52, 60),
    ]


def test_a_place_beside_the_start_of_a_run_is_its_start():
    keep = np.repeat([SURE, -SURE, SURE], 20)
    edges = {"start": at(60, 40), "end": at(60, 20)}
    beside = answers(keep, **edges, goes_on={None: 42, 60: 0})
    assert decode_path(beside, PathDecoding(reorder=0.5)) == [Run(40, 60), Run(0, 20)]


def test_two_halves_of_one_run_change_places():
    keep = np.repeat([SURE, -SURE], [60, 10])
    swapped = answers(keep, leave=at(70, 20, 40), goes_on={None: 20, 40: 0, 20: 40})
    runs = decode_path(swapped, PathDecoding(leave=0.5, reorder=0.5))
    assert runs == [Run(20, 40), Run(0, 20), Run(40, 60)]


def test_every_piece_is_played_whatever_the_network_points_at():
    rng = np.random.default_rng(0)
    for _ in range(200):
        keep = np.repeat(rng.choice([SURE, -SURE], 12), 10)
        places = rng.integers(1, 119, 6)
        goes_on = {int(p): int(q) for p, q in zip(places, rng.integers(0, 121, 6), strict=True)}
        goes_on[None] = int(rng.integers(0, 121))
        given = answers(keep, leave=at(120, *places), goes_on=goes_on)
        wanted = kept_runs(given, PathDecoding(), Limits())
        played = decode_path(given, PathDecoding(leave=0.5, reorder=0.5, replay=0.5))
        np.testing.assert_array_equal(mask(played, 120), mask(wanted, 120))


def test_limits_are_hard():
    keep = np.repeat([SURE, -SURE], 20)
    limits = Limits(keep=(Run(30, 35),), drop=(Run(5, 8.5),))
    kept = mask(kept_runs(answers(keep), PathDecoding(), limits), 40)
    assert kept[30:35].all() and not kept[5:9].any()


@pytest.mark.parametrize("length", [1, 4, 9])
def test_of_all_edits_of_a_length_the_best_is_found(length):
    for seed in range(5):
        keep, start, end = np.random.default_rng(seed).normal(0, 2, (3, 9))
        given, decoding = answers(keep, start=start, end=end), PathDecoding(0.7, 0.5)
        found = mask(kept_runs(given, decoding, Limits(length=length)), 9)
        every = (np.array(x, bool) for x in product([0, 1], repeat=9) if sum(x) == length)
        assert found.sum() == length
        assert worth(given, decoding, found) == pytest.approx(
            max(worth(given, decoding, kept) for kept in every)
        )


def test_something_is_always_kept():
    assert kept_runs(answers([-9, -8, -9]), PathDecoding(), Limits()) == [Run(1, 2)]
