"""A song's features -> the path model's answers, in one pass however long the song is."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from editorbot.nn.modules import device_of
from editorbot.pointer_network.path.examples import inputs_of
from editorbot.pointer_network.path.features import Features
from editorbot.pointer_network.path.network import PathNetwork
from editorbot.pointer_network.path.place import NOWHERE, REACH, Cuts, cuts_of
from editorbot.pointer_network.path.pointer import Departures
from editorbot.pointer_network.path.terms import Answers, Run

LEAVES_AT_ONCE = 32
"""Rows of the table of where the path goes on, which of hours would not fit into memory."""


@torch.inference_mode()
def answers_of(model: PathNetwork, features: Features, stems: np.ndarray | None) -> Answers:
    """Answers for one song; `model` is put into evaluation mode.

    Args:
        model: A trained network.
        features: Of R steps.
        stems: (F, STEMS * BANDS); None goes with a network that has no input for them.
    """
    model.eval()
    device, stride = device_of(model), model.size.stride
    inputs = inputs_of([features], None if stems is None else [stems], stride=stride).to(device)
    outputs = model(inputs)

    @torch.inference_mode()
    def resume(leaves: Sequence[int], again: bool, runs: Sequence[Run]) -> np.ndarray:
        starts = torch.tensor([int(run.start) for run in runs], device=device)
        rows = []
        for at in torch.tensor(leaves, device=device).split(LEAVES_AT_ONCE):
            twice = torch.full_like(at, again, dtype=torch.bool)
            logits = model.resume(outputs, inputs, 0, Departures(at, twice, starts))
            # The first row says each time where the edit begins.
            rows.append(logits[1 if rows else 0 :].softmax(dim=1).cpu().numpy())
        return np.concatenate(rows)

    @torch.inference_mode()
    def place(runs: Sequence[Run]) -> list[Run]:
        cuts, _ = cuts_of([(run.start * stride, run.end * stride) for run in runs])
        count = len(runs)
        starts = _placed(cuts, slice(0, count))
        # Ends are found by what follows them in the edit, which begins where it was just placed.
        going_on = torch.cat([starts[1:], torch.tensor([NOWHERE])])
        cuts = cuts._replace(resumes=torch.cat([cuts.resumes[:count], going_on]))
        ends = _placed(cuts, slice(count, None))
        pairs = zip(runs, (starts / stride).tolist(), (ends / stride).tolist(), strict=True)
        return [Run(start, end) if end > start else run for run, start, end in pairs]

    def _placed(cuts: Cuts, which: slice) -> Tensor:
        part = Cuts(*(x[which].to(device) for x in cuts))
        best = model.place(outputs, inputs, 0, part).argmax(dim=1)
        return (part.around + best - REACH).cpu()

    logits = (outputs.keep, outputs.start, outputs.end, outputs.leave)
    return Answers(*(x[0].float().cpu().numpy() for x in logits), resume, place)
