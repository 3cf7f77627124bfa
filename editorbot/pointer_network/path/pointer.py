"""Where the path goes on: from the steps at which it leaves to any other, or to the edit's end.

What an editor does with the order of a song is a matter of counting: the last passage first, two
bars again, the same eight beats twice. So beside attention, by which places are chosen for their
sound, there are tables of what is counted between two places, which few songs are enough to learn.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from editorbot.pointer_network.path.repeats import PARTNERS

NEAREST, PER_OCTAVE, DISTANCES = 8, 6, 80
"""Distances from where the path leaves to where it resumes: each of up to eight steps for itself,
then six to the octave, and as many back."""
RUNS = 8
"""Up to which runs are counted from either end of the recording, and between two places."""
BEATS, BEAT_SLACK = 32, 0.3
"""Up to which beats are counted between two places, and by what share of a beat such a place may
be off."""
LONGEST_LOOP_STEPS, COMPARED_STEPS = 108, 86
"""Ten seconds before the path leaves, and eight of what was played last."""
STRETCH = 64.0
"""Of logits that are learned as single numbers: an optimiser takes small steps with them, and an
editor's habits are to be learned from few songs."""


class Song(NamedTuple):
    """What is known of the R steps of one song."""

    states: Tensor
    """(R, width)."""
    sound: Tensor
    """(R, D) shape of the spectrum and what sets in; see `sound_of`."""
    partners: Tensor
    """(R, PARTNERS) int64 steps, -1 for none."""
    beats: Tensor
    """(R,) beats before each step's beginning, with fractions."""


class Departures(NamedTuple):
    """From where the path goes on, in one song."""

    leaves: Tensor
    """(K,) int64 steps at whose beginning the path leaves, 0 to R."""
    again: Tensor
    """(K,) bool, whether the path has left there before."""
    starts: Tensor
    """(S,) int64 steps at which what is kept starts, in ascending order."""


class Pointer(nn.Module):
    """Attention from the steps at which the path leaves to all steps, and tables of counts.

    Both know in which of the runs that are kept they lie, counted from the first and from the last.
    """

    def __init__(self, width: int):
        super().__init__()
        self.begin = nn.Parameter(torch.zeros(width))
        self.again = nn.Parameter(torch.zeros(width))
        self.query, self.key = nn.Linear(width, width), nn.Linear(width, width)
        self.end = nn.Linear(width, 1)
        self.runs_before = nn.Embedding(RUNS + 1, width)
        self.runs_after = nn.Embedding(RUNS + 1, width)
        # Logits by what is counted, the first index saying whether the path left there before.
        self.distance = nn.Parameter(torch.zeros(2, 2 * DISTANCES + 1))
        self.beats_between = nn.Parameter(torch.zeros(2, 2 * BEATS + 1))
        self.runs_between = nn.Parameter(torch.zeros(2, 2 * RUNS + 1))
        self.start_between = nn.Parameter(torch.zeros(2, 2 * RUNS + 1))
        self.start_from = nn.Parameter(torch.zeros(2, RUNS + 1, 2, RUNS + 1))
        self.begin_at = nn.Parameter(torch.zeros(2, RUNS + 1))
        self.end_after = nn.Parameter(torch.zeros(2, RUNS + 1))
        self.alike = nn.Parameter(torch.zeros(2, 2, PARTNERS))
        self.in_time = nn.Parameter(torch.zeros(2))

    def forward(self, song: Song, departures: Departures) -> Tensor:
        """(K + 1, R + 1) logits; the first row says where the edit begins, the last column that it
        ends."""
        leaves, again, starts = departures
        steps = len(song.states)
        places = torch.arange(steps, device=leaves.device)
        passed = torch.searchsorted(starts, places, right=True)
        runs = _Runs(
            passed,
            before=passed.clamp(max=RUNS),
            after=(len(starts) - passed).clamp(max=RUNS),
            at_start=torch.zeros(steps, device=leaves.device).index_fill(0, starts, 1.0),
        )
        last_played, twice = (leaves - 1).clamp(0, steps - 1), again.long()

        known = song.states + self.runs_before(runs.before) + self.runs_after(runs.after)
        asked = song.states[leaves.clamp(max=steps - 1)] + known[last_played]
        there = self._by_runs(runs, last_played, twice)
        there = there + self._by_distance(places[None] - leaves[:, None], twice)
        there = there + self._by_beats(song.beats, leaves, twice)
        there = there + self._alike(song.partners, leaves, twice)
        there = there + self.in_time[twice][:, None] * _in_time(song.sound, leaves)
        begin = runs.at_start * (self.begin_at[0, runs.before] + self.begin_at[1, runs.after])
        ends = self.end_after[twice, runs.after[last_played]]
        ends = torch.cat([begin.new_zeros(1), ends])
        counted = torch.cat([torch.cat([begin[None], there]), ends[:, None]], dim=1)
        return (self._heard(asked, again, known) + STRETCH * counted).float()

    def _heard(self, asked: Tensor, again: Tensor, known: Tensor) -> Tensor:
        """(K + 1, R + 1) logits by what the network has heard at (K, width) and (R, width)."""
        asked = self.query(asked) + again[:, None] * self.again
        query = torch.cat([self.begin[None].to(asked.dtype), asked])
        logits = torch.cat([query @ self.key(known).T, self.end(query)], dim=1)
        return logits / query.shape[-1] ** 0.5

    def _by_runs(self, runs: "_Runs", last_played: Tensor, twice: Tensor) -> Tensor:
        """(K, R): how many runs on or back, and which, where one starts."""
        between = runs.passed[None] - runs.passed[last_played][:, None]
        between = between.clamp(-RUNS, RUNS) + RUNS
        from_run = self.start_from[twice, runs.after[last_played]]
        start = self.start_between[twice[:, None], between]
        start = start + from_run[:, 0, runs.before] + from_run[:, 1, runs.after]
        return self.runs_between[twice[:, None], between] + runs.at_start * start

    def _by_distance(self, distance: Tensor, twice: Tensor) -> Tensor:
        """(K, R) signed steps -> logits."""
        return self.distance[twice[:, None], _bucket(distance) + DISTANCES]

    def _by_beats(self, beats: Tensor, leaves: Tensor, twice: Tensor) -> Tensor:
        """(K, R), other than 0 where about a whole number of beats lies between."""
        between = beats[None] - beats[leaves.clamp(max=len(beats) - 1)][:, None]
        whole = between.round()
        near = (1 - (between - whole).abs() / BEAT_SLACK).clamp(min=0)
        near = near * ((whole != 0) & (whole.abs() <= BEATS))
        return near * self.beats_between[twice[:, None], whole.long().clamp(-BEATS, BEATS) + BEATS]

    def _alike(self, partners: Tensor, leaves: Tensor, twice: Tensor) -> Tensor:
        """(K, R) worth of the places at which is played again what the path leaves.

        What would have followed is compared with what follows there, and what was played last with
        what is played before.
        """
        steps = len(partners)
        found = torch.zeros(len(leaves), steps, device=partners.device)
        for back in (0, 1):
            there = partners[(leaves - back).clamp(0, steps - 1)]
            weight = (there >= 0).float() * self.alike[twice, back]
            for move in (-1, 0, 1):
                found = found.scatter_add(1, (there + back + move).clamp(0, steps - 1), weight)
        return found


class _Runs(NamedTuple):
    """Of the R steps of one song, in which of the runs that are kept they lie."""

    passed: Tensor
    """(R,) runs that started so far."""
    before: Tensor
    """(R,) the same, counted to RUNS."""
    after: Tensor
    """(R,) runs that are still to start, counted to RUNS."""
    at_start: Tensor
    """(R,) 1 where a run starts."""


def sound_of(mel: Tensor) -> Tensor:
    """(B, R, D) -> (B, R, 2 * D) shape of the spectrum and what sets in, each of norm 1 or 0."""
    rising = functional.pad(mel.diff(dim=1).clamp(min=0), (0, 0, 1, 0))
    shape = mel - mel.mean(dim=-1, keepdim=True)
    return torch.cat([functional.normalize(x, dim=-1, eps=1e-3) for x in (shape, rising)], dim=-1)


def _in_time(sound: Tensor, leaves: Tensor) -> Tensor:
    """(K, R) how much what was played last sounds like that so much before, for places before.

    A loop that keeps time begins some beats or bars before its end. In standard deviations over the
    last ten seconds, 0 at other places.
    """
    ago = torch.arange(1, LONGEST_LOOP_STEPS + 1, device=sound.device)
    back = torch.arange(-COMPARED_STEPS, 0, device=sound.device)
    last = len(sound) - 1
    played = sound[(leaves[:, None] + back).clamp(0, last)]
    reach = torch.arange(-COMPARED_STEPS - len(ago), 0, device=sound.device)
    earlier = sound[(leaves[:, None] + reach).clamp(0, last)]
    alike = played @ earlier.transpose(1, 2)
    diagonal = (len(ago) + torch.arange(len(back), device=sound.device))[:, None] - ago
    alike = alike.gather(2, diagonal.expand(len(leaves), -1, -1)).mean(dim=1)
    alike = (alike - alike.mean(1, True)) / alike.std(1, keepdim=True).clamp(min=1e-3)
    places = leaves[:, None] - ago
    alike = alike * (places >= 0)
    found = torch.zeros(len(leaves), len(sound), device=sound.device)
    return found.scatter_add(1, places.clamp(min=0), alike)


def _bucket(distance: Tensor) -> Tensor:
    """Signed number of the bucket."""
    size = distance.abs().float()
    octaves = NEAREST + PER_OCTAVE * torch.log2((size / NEAREST).clamp(min=1))
    bucket = torch.where(size <= NEAREST, size, octaves).long().clamp(max=DISTANCES)
    return bucket * distance.sign()
