"""What the pointer counts between two places, and what it hears of what was played last."""

import pytest
import torch

from editorbot.pointer_network.path.pointer import BEATS, Departures, Pointer, Song, sound_of
from editorbot.pointer_network.path.repeats import PARTNERS

STEPS, BEAT = 400, 5.5
"""Steps to a beat."""


def song(sound=None) -> Song:
    return Song(
        states=torch.zeros(STEPS, 8),
        sound=torch.zeros(STEPS, 16) if sound is None else sound,
        partners=torch.full((STEPS, PARTNERS), -1),
        beats=torch.arange(STEPS) / BEAT,
    )


def departures(*leaves: int, again=()) -> Departures:
    return Departures(
        torch.tensor(leaves),
        torch.tensor([leave in again for leave in leaves]),
        torch.tensor([0]),
    )


def told(pointer: Pointer, known: Song, asked: Departures) -> torch.Tensor:
    """(K, R) logits of all places but the end."""
    with torch.no_grad():
        return pointer(known, asked)[1:, :-1]


@pytest.fixture
def pointer() -> Pointer:
    pointer = Pointer(8)
    for weight in pointer.parameters():
        torch.nn.init.zeros_(weight)
    return pointer


@pytest.mark.parametrize("beats", [-8, -1, 12])
def test_an_editor_who_counts_beats_is_followed_at_any_tempo(pointer, beats):
    pointer.beats_between.data[0, BEATS + beats] = 1.0
    slow = song()._replace(beats=torch.arange(STEPS) / (2 * BEAT))
    for known, beat in ((song(), BEAT), (slow, 2 * BEAT)):
        logits = told(pointer, known, departures(200, 230))
        assert logits.argmax(dim=1).tolist() == [
            round(200 + beats * beat),
            round(230 + beats * beat),
        ]
        # A third of a beat off, and so many beats more or less, nothing is told.
        assert (logits > 0).sum(dim=1).max() <= 0.6 * beat + 1


def test_the_second_time_another_number_may_be_right(pointer):
    pointer.beats_between.data[0, BEATS - 8] = pointer.beats_between.data[1, BEATS + 4] = 1.0
    logits = told(pointer, song(), departures(200, again=(200,)))
    assert logits.argmax().item() == 200 + 4 * BEAT


def test_more_beats_than_are_counted_are_told_nothing(pointer):
    pointer.beats_between.data[:] = 1.0
    logits = told(pointer, song(), departures(0))[0]
    assert logits[int(BEATS * BEAT)] > 0
    assert not logits[int((BEATS + 0.5) * BEAT) :].any() and not logits[0]


def test_a_recording_without_beats_is_told_nothing(pointer):
    pointer.beats_between.data[:] = 1.0
    silent = song()._replace(beats=torch.zeros(STEPS))
    assert not told(pointer, silent, departures(200)).any()


def test_what_was_played_last_is_found_so_much_before(pointer):
    """A figure of 37 steps, played again and again, of which the path leaves the end."""
    pointer.in_time.data[:] = 1.0
    figure = torch.rand(37, 16, generator=torch.Generator().manual_seed(0))
    sound = sound_of(figure.repeat(11, 1)[None, :STEPS])[0]
    logits = told(pointer, song(sound), departures(300, 310))
    for row, leave in zip(logits, (300, 310), strict=True):
        assert sorted(row.topk(2).indices.tolist()) == [leave - 74, leave - 37]
        assert not row[leave:].any() and not row[: leave - 108].any()


def test_what_would_lie_before_the_recording_is_told_of_no_place(pointer):
    pointer.in_time.data[:] = 1.0
    figure = torch.rand(37, 16, generator=torch.Generator().manual_seed(0))
    sound = sound_of(figure.repeat(11, 1)[None, :STEPS])[0]
    later = told(pointer, song(sound), departures(2 * 37 + 50))[0]
    early = told(pointer, song(sound), departures(50))[0]
    assert early.argmax() == 50 - 37 and later.argmax() in (50, 50 + 37)
    # Its first step is as likely as any other, not as all that would lie before it.
    assert early[0].abs() < early.max()


@pytest.mark.parametrize(
    ("leave", "runs", "place"),
    [(200, 1, 250), (200, 2, 350), (200, -1, 50), (200, 0, 150), (150, 1, 150)],
)
def test_an_editor_who_counts_runs_is_followed(pointer, leave, runs, place):
    """From the run that was played last, though the next one begins where it ends."""
    starts = torch.tensor([50, 150, 250, 350])
    asked = departures(leave)._replace(starts=starts)
    pointer.start_between.data[0, 8 + runs] = 1.0
    assert told(pointer, song(), asked)[0].nonzero().tolist() == [[place]]


def test_the_last_run_first(pointer):
    pointer.begin_at.data[1, 0] = 1.0
    with torch.no_grad():
        begin = pointer(song(), departures(200)._replace(starts=torch.tensor([50, 150, 350])))[0]
    assert begin.nonzero().tolist() == [[350]]


def test_the_end_comes_where_no_run_is_left(pointer):
    pointer.end_after.data[0, 0] = 1.0
    asked = departures(100, 300)._replace(starts=torch.tensor([50, 250]))
    with torch.no_grad():
        ends = pointer(song(), asked)[:, -1]
    assert (ends > 0).tolist() == [False, False, True]


def test_what_the_path_leaves_and_what_is_played_again(pointer):
    """Step 200 is played again at 320, and step 199, the last that was played, at 60."""
    known = song()
    known.partners[200, 2], known.partners[199, 3] = 320, 60
    for back, slot, place in ((0, 2, 320), (1, 3, 61)):
        pointer.alike.data[:] = 0
        pointer.alike.data[0, back, slot] = 1.0
        found = told(pointer, known, departures(200))[0].nonzero().flatten().tolist()
        assert found == [place - 1, place, place + 1]
