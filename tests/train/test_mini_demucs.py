"""Training of the small Demucs: the loss against hand values, songs held out, a run end to end."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from editorbot.audio.demucs_mini import MINI, STEMS, load_mini
from editorbot.corpus.demo import demo_songs
from editorbot.train import mini_demucs
from editorbot.train.mini_demucs import HELD_OUT, VALIDATION, Parts, Remixes, relative_error_db

torch.set_num_threads(1)


def test_loss_of_nothing_of_everything_and_of_the_mixture():
    parts = torch.zeros(1, 4, 1000)
    parts[0, 0], parts[0, 1] = torch.sin(torch.arange(1000.0)), 0.0
    perfect = relative_error_db(parts, parts)
    torch.testing.assert_close(perfect, torch.full((1, 4), -30.0))
    silence = relative_error_db(torch.zeros_like(parts), parts)
    # Only the sounding part is missed; 1 + the floor is 0.004 dB.
    torch.testing.assert_close(silence, torch.tensor([[0.0043, -30, -30, -30]]), atol=1e-3, rtol=0)
    mixture = relative_error_db(parts.sum(dim=1, keepdim=True).expand_as(parts), parts)
    torch.testing.assert_close(
        mixture, torch.tensor([[-30, 0.0043, 0.0043, 0.0043]]), atol=1e-3, rtol=0
    )


def test_remixes_are_gained_crops_of_true_parts_of_several_songs():
    length = round(MINI["segment"] * MINI["samplerate"])
    # Each sample says which song and stem it is of.
    songs = [
        Parts(str(n), np.full((4, length + 10), n + 1, np.float16) * np.arange(1, 5)[:, None])
        for n in (0, 9)
    ]
    remixes = Remixes(songs, length=40)
    torch.manual_seed(0)
    first = torch.stack([remixes[index] for index in range(40)])
    torch.manual_seed(0)
    again = torch.stack([remixes[index] for index in range(40)])
    torch.testing.assert_close(first, again, atol=0, rtol=0)
    assert first.shape == (40, 4, length)
    levels = first[..., 0] / torch.arange(1, 5)
    assert (first == first[..., :1]).all()
    assert (levels < 0).any() and (levels > 0).any() and (levels == 0).any()
    # Gains stay within 10 dB, so 3.2 splits the songs of level 1 and 10 cleanly.
    of_second = levels.abs() > 3.2
    sounding = levels != 0
    mixed = [
        row[ok].float().mean().item() not in (0.0, 1.0)
        for row, ok in zip(of_second, sounding, strict=True)
    ]
    assert any(mixed) and not all(mixed)


def test_held_out_songs_are_demo_songs_that_no_training_sees():
    names = {song.name for song in demo_songs()}
    assert set(HELD_OUT) | set(VALIDATION) <= names
    assert not set(HELD_OUT) & set(VALIDATION)
    assert len(HELD_OUT) >= 5


@pytest.mark.filterwarnings("ignore")
def test_a_run_from_songs_to_weights(tmp_path, monkeypatch):
    short = {song.name: replace(song, max_bars=4, target_s=4.0) for song in demo_songs()}
    held, validation, train = HELD_OUT[0], VALIDATION[0], "demo-jesu-meine-freude"
    seen = []

    def render(songs, *, seed=0):
        seen.append([song.name for song in songs])
        return mini_demucs_render(songs, seed=seed)

    mini_demucs_render = mini_demucs.render_parts
    monkeypatch.setattr(mini_demucs, "render_parts", render)
    monkeypatch.setattr(mini_demucs, "HELD_OUT", (held,))
    monkeypatch.setattr(mini_demucs, "VALIDATION", (validation,))
    monkeypatch.setattr(
        mini_demucs, "demo_songs", lambda: [short[held], short[validation], short[train]]
    )
    settings = replace(mini_demucs.SETTINGS, epochs=1, batch_size=2, warmup_steps=0)
    info = mini_demucs.train_mini(
        tmp_path / "model", tmp_path / "log", settings=settings, steps_per_epoch=2
    )
    # The song to learn from is heard from two bands.
    assert seen == [[validation], [train], [train], [held]]
    assert info["held_out"] == [held]
    assert set(info["si_sdr_improvement_db"][held]) == set(STEMS)
    assert all(np.isfinite(value) for value in info["si_sdr_improvement_db_mean"].values())
    lines = mini_demucs.improvement_lines(info)
    assert [line.split()[0] for line in lines] == ["SI-SDR", held, "mean"]
    model = load_mini(tmp_path / "model" / "shipped")
    assert model.samplerate == MINI["samplerate"]
