"""What a user asks for is read as it is written, and kept to."""

import pytest

from editorbot.errors import EditorbotError
from editorbot.pointer_network.wishes import Span, Wishes, read_span, read_time


@pytest.mark.parametrize(
    ("text", "seconds"), [("95", 95), ("1:35", 95), ("1:02:05.5", 3725.5), (" 0:00 ", 0)]
)
def test_times(text, seconds):
    assert read_time(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "1:", ":30", "-5", "1h", "1:2:3:4"])
def test_what_is_no_time(text):
    with pytest.raises(EditorbotError, match="is no time: write seconds, 1:35"):
        read_time(text)


def test_spans():
    assert read_span("1:20-1:45.5") == Span(80, 105.5)
    with pytest.raises(EditorbotError, match="write its two ends, as in 1:20-1:45"):
        read_span("1:20")
    with pytest.raises(EditorbotError, match="ends before it begins: swap its ends"):
        read_span("1:45-1:20")


def test_wishes_may_not_contradict_each_other():
    with pytest.raises(EditorbotError, match=r"0:05.00-0:10.00 is to be kept and 0:08.00-0:12.00"):
        Wishes(keep=(Span(5, 10),), drop=(Span(8, 12),))
    assert not Wishes(keep=(Span(5, 10),), drop=(Span(10, 12),)).are_none
    with pytest.raises(EditorbotError, match="cannot be 0 s long"):
        Wishes(length_s=0)
