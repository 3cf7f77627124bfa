"""Cuts are looked for among frames, and ends by what follows them in the edit."""

import pytest
import torch

from editorbot.pointer_network.path.features import BANDS
from editorbot.pointer_network.path.place import (
    NOWHERE,
    REACH,
    Placer,
    _likeness,
    cuts_of,
    place_targets,
)

torch.manual_seed(0)


def test_starts_come_first_and_an_end_knows_where_the_edit_goes_on():
    cuts, places = cuts_of([(100.4, 200.0), (300.0, 400.0)])
    assert places.tolist() == pytest.approx([100.4, 300, 200, 400])
    assert cuts.around.tolist() == [100, 300, 200, 400]
    assert cuts.is_end.tolist() == [False, False, True, True]
    assert cuts.resumes.tolist() == [NOWHERE, NOWHERE, 300, NOWHERE]


def test_an_end_sounds_like_what_follows_where_the_same_is_played_again():
    frames = torch.rand(1000, BANDS)
    frames[700:800] = 0.8 * frames[220:320]
    cuts, _ = cuts_of([(0.0, 250.0), (700.0, 900.0)])
    places = cuts.around[:, None] + torch.arange(-REACH, REACH)
    likeness = _likeness(frames, cuts, places)
    assert places[2, likeness[2].argmax()] == 220
    assert likeness[2].max() == pytest.approx(1, abs=1e-4)
    assert not likeness[[0, 1, 3]].any()


def test_places_outside_the_raw_are_impossible():
    placer, states = Placer(8), torch.rand(25, 8)
    cuts, _ = cuts_of([(3.0, 99.0)])
    logits = placer(torch.rand(100, BANDS), states, cuts, stride=4)
    odds = logits.softmax(dim=1)
    assert odds[0, : REACH - 3].max() < 1e-9 and odds[1, REACH + 2 :].max() < 1e-9
    # The end of the last frame is a place.
    assert odds[1, REACH + 1] > 1e-9


def test_targets_are_probabilities_around_the_true_place():
    cuts, places = cuts_of([(100.4, 200.0)])
    cuts = cuts._replace(around=cuts.around + torch.tensor([20, -30]))
    targets = place_targets(places, cuts, spread=1.0)
    torch.testing.assert_close(targets.sum(dim=1), torch.ones(2))
    assert (cuts.around + targets.argmax(dim=1) - REACH).tolist() == [100, 200]
