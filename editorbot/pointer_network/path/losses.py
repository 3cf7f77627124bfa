"""What the path model is taught: each loss is a mean over the steps of a batch's songs."""

import torch
from torch import Tensor
from torch.nn import functional

from editorbot.nn.blocks import length_mask
from editorbot.params import PathParams
from editorbot.pointer_network.path.examples import PathBatch
from editorbot.pointer_network.path.labels import END, Labels
from editorbot.pointer_network.path.network import Outputs, PathNetwork
from editorbot.pointer_network.path.place import Cuts, cuts_of, place_targets
from editorbot.pointer_network.path.pointer import Departures
from editorbot.pointer_network.songs import IGNORE
from editorbot.train.task import Ratio, StepResult, SupervisedTask

RESUME_SPREAD = 0.5
"""Standard deviation, in steps, of the place at which the path resumes, as a target."""
PLACE_SPREAD = 1.0
"""Of the exact place of a cut, in frames."""
MISPLACED = 32
"""Frames by which a cut's step may be off when its place is looked for."""


class PathTask(SupervisedTask):
    """The path model with its losses; `step_s` is the length of a step in seconds."""

    def __init__(self, model: PathNetwork, *, params: PathParams, step_s: float, recompute: bool):
        super().__init__(model, loss_weights=params.loss_weights.model_dump())
        self.params, self.step_s, self.recompute = params, step_s, recompute

    def step(self, batch: PathBatch) -> StepResult:
        """Losses of one batch, and how many steps are rightly kept or left out."""
        outputs = self.model(batch.inputs, recompute=self.recompute and self.training)
        mask = length_mask(batch.inputs.lengths, outputs.keep.shape[1])
        kept = _stack([torch.from_numpy(x.kept) for x in batch.labels], outputs.keep)
        losses = {"keep": _mean(_cross_entropy(outputs.keep, kept), mask)}
        spread = self.params.boundary_s / self.step_s
        for name, places in (("start", "starts"), ("end", "ends"), ("leave", "inner")):
            rows = [smeared(getattr(x, places), len(x.kept), spread) for x in batch.labels]
            targets = _stack(rows, outputs.keep)
            weight = torch.tensor(self.params.boundary_weight, device=targets.device)
            loss = _cross_entropy(getattr(outputs, name), targets, pos_weight=weight)
            losses[name] = _mean(loss, mask)
        losses["resume"] = self._resume(outputs, batch)
        losses["place"] = self._place(outputs, batch)
        losses["ops"] = _ops(outputs.ops, batch.ops)
        right = ((outputs.keep > 0) == (kept > 0.5)) & mask
        return StepResult(losses, {"keep_accuracy": Ratio(right.sum(), mask.sum())})

    def _resume(self, outputs: Outputs, batch: PathBatch) -> Tensor:
        losses = []
        for number, labels in enumerate(batch.labels):
            departures = Departures(*(x.to(outputs.states.device) for x in departures_of(labels)))
            logits = self.model.resume(outputs, batch.inputs, number, departures)
            targets = resume_targets(labels).to(logits.device)
            losses.append(functional.cross_entropy(logits, targets))
        return torch.stack(losses).mean()

    def _place(self, outputs: Outputs, batch: PathBatch) -> Tensor:
        losses = []
        for number, labels in enumerate(batch.labels):
            stride = self.model.size.stride
            cuts, places = cuts_of([(a * stride, b * stride) for a, b in labels.runs])
            around = cuts.around + torch.randint(-MISPLACED, MISPLACED + 1, cuts.around.shape)
            cuts = Cuts(*(x.to(outputs.states.device) for x in cuts._replace(around=around)))
            logits = self.model.place(outputs, batch.inputs, number, cuts)
            targets = place_targets(places.to(logits.device), cuts, spread=PLACE_SPREAD)
            losses.append(functional.cross_entropy(logits, targets))
        return torch.stack(losses).mean()

    def songs_of(self, batch: PathBatch) -> str:
        """The batch's songs, joined by commas."""
        return ", ".join(batch.names)


def smeared(places, steps: int, spread: float) -> Tensor:
    """(steps,) 1 where a step's middle is at one of the places, falling off as a Gaussian."""
    middles = torch.arange(steps) + 0.5
    if len(places) == 0:
        return torch.zeros(steps)
    distance = (middles[:, None] - torch.as_tensor(places)[None]).abs().amin(dim=1)
    return torch.exp(-0.5 * (distance / spread) ** 2)


def departures_of(labels: Labels) -> Departures:
    """From where the editor's own path goes on."""
    leaves = [round(jump.leave) for jump in labels.jumps]
    again = [leave in leaves[:number] for number, leave in enumerate(leaves)]
    starts = torch.from_numpy(labels.starts).long()
    return Departures(torch.tensor(leaves), torch.tensor(again), starts)


def resume_targets(labels: Labels) -> Tensor:
    """(K + 1, R + 1) probabilities of where the edit begins and where each jump resumes.

    Where a run of what is kept starts, it is that step alone; elsewhere those beside it count too.
    """
    steps = len(labels.kept)
    places = torch.tensor([labels.first, *(jump.resume for jump in labels.jumps)])
    at_start = torch.isin(places, torch.from_numpy(labels.starts))[:, None]
    numbers = torch.arange(steps)[None]
    near = torch.exp(-0.5 * ((numbers - places[:, None]) / RESUME_SPREAD) ** 2)
    near = torch.where(at_start, numbers == places.long()[:, None], near / near.sum(1, True))
    ends = (places == END).float()[:, None]
    return torch.cat([near * (1 - ends), ends], dim=1)


def _stack(rows: list[Tensor], like: Tensor) -> Tensor:
    padded = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
    return padded.to(like.device, torch.float32)


def _cross_entropy(logits: Tensor, targets: Tensor, **options: Tensor) -> Tensor:
    return functional.binary_cross_entropy_with_logits(
        logits.float(), targets, reduction="none", **options
    )


def _mean(values: Tensor, mask: Tensor) -> Tensor:
    return (values * mask).sum() / mask.sum()


def _ops(logits: Tensor, targets: Tensor) -> Tensor:
    """Zero where no step is played."""
    total = functional.cross_entropy(
        logits.float().flatten(0, 1), targets.flatten(), ignore_index=IGNORE, reduction="sum"
    )
    return total / (targets != IGNORE).sum().clamp(min=1)
