"""Bars show what lasts, on standard error alone, and pass every item on."""

import time

import pytest

from editorbot.progress import track


def slowly(count: int, *, seconds: float):
    for number in range(count):
        time.sleep(seconds / count)
        yield number


@pytest.mark.parametrize("items", [[], [1, 2, 3], iter("abc")])
def test_items_pass_and_the_bar_is_on_standard_error(items, capsys):
    expected = list(items) if isinstance(items, list) else list("abc")
    assert list(track(items, "Counting", total=len(expected))) == expected
    shown = capsys.readouterr()
    assert "Counting" in shown.err and f"{len(expected)}/{len(expected)}" in shown.err
    assert not shown.out


def test_what_ends_soon_shows_nothing(capsys):
    assert list(track(range(5), "Counting", after_s=60)) == list(range(5))
    assert capsys.readouterr().err == ""


def test_a_bar_that_comes_later_counts_from_the_beginning(capsys):
    items = slowly(6, seconds=0.6)
    assert list(track(items, "Counting", total=6, after_s=0.25)) == list(range(6))
    assert "6/6" in capsys.readouterr().err
