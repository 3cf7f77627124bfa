"""Training of the small HTDemucs on the demo songs' true parts.

Songs are held out whole, for validation and for the test. Each of the others is played by two
bands, and parts of different songs are mixed at random levels, which shows the network far more
mixtures than there are songs; it is tested on the songs as they are.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import soxr
import torch
from torch import Tensor
from torch.utils.data import Dataset

from editorbot.audio.demucs_mini import MINI, STEMS, SYSTEM, MiniDemucs, load_mini
from editorbot.audio.separate import separate_array
from editorbot.audio.si_sdr import si_sdr
from editorbot.corpus.demo import (
    FULL_SCALE,
    SAMPLE_RATE,
    DemoSong,
    demo_songs,
    played_by_another_band,
    render_stems,
)
from editorbot.progress import track
from editorbot.train.checkpoints import load_checkpoint, save_checkpoint
from editorbot.train.loop import FitSettings, fit
from editorbot.train.task import Ratio, StepResult, SupervisedTask

HELD_OUT = (
    "demo-quartet-k80",
    "demo-brown-hair",
    "demo-wachet-auf",
    "demo-haste-to-the-wedding",
    "demo-arkansas-traveller",
    "demo-girl-i-left-behind",
    "demo-green-sleeves",
)
VALIDATION = ("demo-giovinetta-pianta", "demo-blackberry-blossom", "demo-wie-schoen-leuchtet")

SETTINGS = FitSettings(
    lr=2e-3,
    weight_decay=0.0,
    warmup_steps=30,
    epochs=36,
    patience=36,
    batch_size=3,
    accumulate=1,
    gradient_clip=5.0,
    seed=0,
)
STEPS_PER_EPOCH = 20

VALIDATION_CROPS = 6
REMIX_SHARE = 0.7
"""Of the examples whose parts are each of a song of their own; the others are mixed as composed."""
GAIN_SPREAD_DB = 5.0
SILENT_SHARE = 0.05
"""Of the parts that are left out of an example."""
ERROR_FLOOR = 1e-3
"""Errors 30 dB below the mixture count as none: the rest of the power goes to worse parts."""


@dataclass(frozen=True)
class Parts:
    """A song's true parts: (S, T) float16, mono at the network's rate."""

    name: str
    samples: np.ndarray


def render_parts(songs: Sequence[DemoSong], *, seed: int = 0) -> list[Parts]:
    """Render songs and bring their parts to the network's rate, in mono."""
    rendered = []
    for song in track(songs, "Rendering demo songs"):
        stereo = render_stems(song, seed=seed).astype(np.float32) / FULL_SCALE
        mono = stereo.mean(axis=1).T
        resampled = soxr.resample(mono, SAMPLE_RATE, MINI["samplerate"])
        rendered.append(Parts(song.name, np.ascontiguousarray(resampled.T, dtype=np.float16)))
    return rendered


class Remixes(Dataset):
    """Crops of random mixtures, drawn anew at each look from torch's random numbers."""

    def __init__(self, songs: Sequence[Parts], *, length: int):
        self.songs, self.length = songs, length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> Tensor:
        """Parts (S, T) float32."""
        remixed = torch.rand(()).item() < REMIX_SHARE
        first = self._crop()
        parts = [self._crop()[s] if remixed else first[s] for s in range(len(STEMS))]
        gains = 10 ** (GAIN_SPREAD_DB * torch.randn(len(STEMS)).clamp(-2, 2) / 20)
        gains *= torch.sign(torch.rand(len(STEMS)) - 0.5)
        gains *= torch.rand(len(STEMS)) >= SILENT_SHARE
        return torch.stack(parts) * gains[:, None]

    def _crop(self) -> Tensor:
        samples = self.songs[int(torch.randint(len(self.songs), ()))].samples
        length = round(MINI["segment"] * MINI["samplerate"])
        start = int(torch.randint(samples.shape[1] - length, ()))
        return torch.from_numpy(samples[:, start : start + length].astype(np.float32))


class Crops(Dataset):
    """Crops evenly spread over songs, mixed as composed."""

    def __init__(self, songs: Sequence[Parts], *, per_song: int):
        length = round(MINI["segment"] * MINI["samplerate"])
        self.crops = [
            torch.from_numpy(song.samples[:, start : start + length].astype(np.float32))
            for song in songs
            for start in np.linspace(0, song.samples.shape[1] - length, per_song).astype(int)
        ]

    def __len__(self) -> int:
        return len(self.crops)

    def __getitem__(self, index: int) -> Tensor:
        return self.crops[index]


class SeparationTask(SupervisedTask):
    """The network and its loss; a batch is parts (B, S, T)."""

    def step(self, batch: Tensor) -> StepResult:
        """The loss `error_db`, and each part's error relative to the mixture in dB."""
        mixture = batch.sum(dim=1, keepdim=True)
        estimate = self.model(mixture)[:, :, 0]
        error_db = relative_error_db(estimate, batch)
        measures = {
            stem: Ratio(error_db[:, s].sum(), torch.tensor(float(len(batch))))
            for s, stem in enumerate(STEMS)
        }
        return StepResult({"error_db": error_db.mean()}, measures)

    def songs_of(self, batch: Tensor) -> str:
        """Mixtures of several songs have no one name."""
        return "(demo songs, mixed)"


def relative_error_db(estimate: Tensor, parts: Tensor) -> Tensor:
    """Power of the error relative to the mixture's, in dB (B, S), for (B, S, T).

    A soft floor keeps parts that are already good from taking the gradient (the thresholded SNR
    of Wisdom et al., "Unsupervised sound separation using mixture invariant training", 2020,
    relative to the mixture so that silent parts count too).
    """
    mixture_power = parts.sum(dim=1, keepdim=True).square().mean(dim=-1) + 1e-8
    error_power = (estimate - parts).square().mean(dim=-1)
    return 10 * torch.log10(error_power / mixture_power + ERROR_FLOOR)


def train_mini(
    directory: Path,
    log_directory: Path,
    *,
    settings: FitSettings = SETTINGS,
    steps_per_epoch: int = STEPS_PER_EPOCH,
) -> dict:
    """Render the songs, train, test on the held-out songs; the weights go to directory/shipped.

    Returns what checkpoint.json says.
    """
    songs = {song.name: song for song in demo_songs()}
    held = {name: songs.pop(name) for name in HELD_OUT}
    validation = render_parts([songs.pop(name) for name in VALIDATION])
    info = {"system": SYSTEM, "model": MINI, "settings": asdict(settings)}
    learned = list(songs.values())
    by_others = [played_by_another_band(song) for song in learned]
    parts = render_parts(learned) + render_parts(by_others, seed=1)
    torch.manual_seed(settings.seed)
    result = fit(
        SeparationTask(MiniDemucs(**MINI), loss_weights={"error_db": 1.0}),
        Remixes(parts, length=steps_per_epoch * settings.batch_size),
        Crops(validation, per_song=VALIDATION_CROPS),
        collate=torch.stack,
        settings=settings,
        directory=directory,
        log_directory=log_directory,
        info=info,
    )
    return ship(result.best, directory / "shipped", held=list(held.values()))


def ship(best: Path, output: Path, *, held: Sequence[DemoSong]) -> dict:
    """Test a checkpoint on whole held-out songs and write weights and results to `output`."""
    checkpoint = load_checkpoint(best, system=SYSTEM)
    model = load_mini(best)
    table = improvement_table(model, render_parts(held))
    info = {
        **{key: checkpoint.info[key] for key in ("system", "model", "epoch", "settings")},
        "git_commit": checkpoint.info["git_commit"],
        "trained_on": "demo songs, parts of different songs mixed",
        "held_out": [song.name for song in held],
        "si_sdr_improvement_db": table,
        "si_sdr_improvement_db_mean": {
            stem: round(float(np.mean([row[stem] for row in table.values()])), 2) for stem in STEMS
        },
    }
    save_checkpoint(output, model=model, info=info)
    return info


def improvement_lines(info: dict) -> list[str]:
    """What `train_mini` returned as a table to print: SI-SDR improvement in dB, song by stem."""
    rows = {**info["si_sdr_improvement_db"], "mean": info["si_sdr_improvement_db_mean"]}
    header = f"{'SI-SDR improvement, dB':32}" + "".join(f"{stem:>9}" for stem in STEMS)
    return [header] + [
        f"{name:32}" + "".join(f"{row[stem]:9.2f}" for stem in STEMS) for name, row in rows.items()
    ]


def improvement_table(model: MiniDemucs, songs: Sequence[Parts]) -> dict[str, dict[str, float]]:
    """SI-SDR of each separated part minus that of the mixture in its place, dB, by song."""
    table = {}
    for song in track(songs, "Separating held-out songs"):
        parts = song.samples.astype(np.float32)
        mixture = parts.sum(axis=0)
        estimates = separate_array(model, mixture[None])[:, 0]
        table[song.name] = {
            stem: round(si_sdr(estimates[s], parts[s]) - si_sdr(mixture, parts[s]), 2)
            for s, stem in enumerate(STEMS)
        }
    return table
