"""Splits by song: nothing leaks, nothing is reshuffled, few songs are said to be few."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from editorbot.corpus.splits import Splits, base_name, read_splits, split_songs, write_splits
from editorbot.errors import EditorbotError

SHARES = {"held_out": 0.2, "validation": 0.15}
NAMES = st.lists(st.text("abcdef", min_size=1, max_size=4), min_size=1, max_size=40, unique=True)


@pytest.mark.parametrize(
    "name",
    [
        "Ballad",
        "ballad_v2",
        "ballad-take3",
        "Ballad - Take 12",
        "ballad (live)",
        "ballad [2019 remaster]",
        "ballad.2",
        "ballad v2 (live)",
        "ballad_remix",
        "ballad-jam04",
    ],
)
def test_versions_of_one_song(name):
    assert base_name(name) == "ballad"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("song_1", "song_2"),
        ("01", "02"),
        ("alive", "a"),
        ("suite-66", "suite-67"),
        ("take 2", "take 3"),
        ("olive", "o"),
    ],
)
def test_other_songs_stay_other_songs(one, other):
    assert base_name(one) != base_name(other)


def test_accents_typed_in_two_ways_are_one_song():
    assert base_name("E\u0301tude") == base_name("\u00c9tude (live)")


@settings(max_examples=60, deadline=None)
@given(NAMES, st.integers(0, 3))
def test_every_song_is_in_one_part_and_the_parts_suffice(names, seed):
    splits = split_songs(names, seed=seed, **SHARES)
    parts = (*splits.train, *splits.validation, *splits.test)
    assert sorted(parts) == sorted(names)
    assert splits.train
    if len(names) >= 5:
        assert len(splits.test) >= 2
        assert len(splits.validation) >= 1
        assert splits.warning is None
    else:
        assert splits.warning


@settings(max_examples=60, deadline=None)
@given(NAMES, st.text("ghij", min_size=1, max_size=3))
def test_an_added_song_pushes_at_most_one_song_across_each_border(names, added):
    before, after = (split_songs(n, **SHARES) for n in (names, [*names, added]))
    if len(names) < 5:
        return
    for earlier, later in ((before.test, after.test), (before.train, after.train)):
        assert len(set(earlier) - set(later)) <= 1
        assert len(set(later) - set(earlier) - {added}) <= 1
    moved_far = (set(before.test) & set(after.train)) | (set(before.train) & set(after.test))
    assert not moved_far


@settings(max_examples=30, deadline=None)
@given(NAMES)
def test_versions_stay_together(names):
    versions = [name + ending for name in names for ending in ("", "_v2", " (live)")]
    splits = split_songs(versions, **SHARES)
    for part in (splits.train, splits.validation, splits.test):
        bases = {base_name(name) for name in part}
        assert len(part) == 3 * len(bases)


def test_order_of_names_does_not_matter_and_the_seed_does():
    names = [f"song {letter}" for letter in "abcdefghijklmnop"]
    assert split_songs(names, **SHARES) == split_songs(reversed(names), **SHARES)
    assert split_songs(names, **SHARES) != split_songs(names, seed=1, **SHARES)


@pytest.mark.parametrize(
    ("songs", "sizes"),
    [
        (1, (1, 0, 0)),
        (2, (1, 0, 1)),
        (3, (1, 1, 1)),
        (4, (2, 1, 1)),
        (5, (2, 1, 2)),
        (10, (6, 2, 2)),
        (40, (26, 6, 8)),
    ],
)
def test_sizes(songs, sizes):
    splits = split_songs([f"{n} song" for n in range(songs)], **SHARES)
    assert (len(splits.train), len(splits.validation), len(splits.test)) == sizes
    assert (splits.warning is None) == (songs >= 5)


def test_large_shares_leave_a_song_to_train_on():
    splits = split_songs([f"{n} song" for n in range(6)], held_out=0.9, validation=0.09)
    assert (len(splits.train), len(splits.validation), len(splits.test)) == (1, 1, 4)


def test_errors_say_what_to_change():
    with pytest.raises(EditorbotError, match=r"held_out 0\.6 .* below 1"):
        split_songs(["a"], held_out=0.6, validation=0.4)
    with pytest.raises(EditorbotError, match="at least one song"):
        split_songs([], **SHARES)


def test_files_go_round_and_another_file_is_named(tmp_path):
    path = tmp_path / "splits.json"
    splits = Splits(train=("a", "é b"), validation=("c",), test=(), warning="few")
    write_splits(path, splits)
    assert read_splits(path) == splits
    path.write_text("[1]")
    with pytest.raises(EditorbotError, match=r"splits\.json is not a split"):
        read_splits(path)
