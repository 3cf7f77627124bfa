"""What may be chance changes nothing."""

import numpy as np

from editorbot.pointer_network.surely import FEWEST_SONGS, surely_best


def test_what_is_surely_better_is_chosen():
    better = np.full((3, 8), 0.9)
    better[1] += 0.05
    assert surely_best(better) == 1


def test_what_is_better_in_one_song_alone_is_not():
    lucky = np.full((2, 8), 0.9)
    lucky[1, :3] += (0.2, -0.05, -0.05)
    assert surely_best(lucky) == 0


def test_few_songs_or_none_say_nothing():
    better = np.array([[0.1] * FEWEST_SONGS, [0.9] * FEWEST_SONGS])
    assert surely_best(better) == 1
    assert surely_best(better[:, 1:]) == 0
    assert surely_best(better[:, :0]) == 0
    assert surely_best(better[:1]) == 0
