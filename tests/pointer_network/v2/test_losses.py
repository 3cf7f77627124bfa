"""What enters the losses, and what must not."""

import numpy as np
import pytest
import torch

from editorbot.pointer_network.songs import OPS
from editorbot.pointer_network.v2.examples import collate
from editorbot.pointer_network.v2.losses import pointer_losses, pointer_measures
from editorbot.pointer_network.v2.model import (
    Outputs,
    PointerNetwork,
    bucket_class,
    class_bucket,
)
from editorbot.pointer_network.v2.targets import DELTAS

from ..songs import N_MELS, song, tiny_params

torch.set_num_threads(1)
SHORT = {"frames": 701, "runs": ((80, 300), (100, 300), (10, 90)), "seed": 1}


def network(params, *, stems=False):
    torch.manual_seed(0)
    return PointerNetwork(params, n_mels=N_MELS, stems=stems).eval()


def losses_of(examples, params, model):
    batch = collate(examples, stride=params.dimensions.stride)
    outputs = model(batch.mel, batch.stems, batch.raw_steps, batch.inputs, batch.bucket)
    return pointer_losses(outputs, batch, params=params), pointer_measures(outputs, batch)


@pytest.mark.parametrize("expected_position", ["running", "linear"])
def test_padding_never_changes_a_loss(expected_position):
    params = tiny_params(expected_position=expected_position)
    model = network(params)
    long, short = song(params=params), song(**SHORT, params=params)
    assert len(short.steps) < len(long.steps) and short.raw_steps < long.raw_steps
    together, measured = losses_of([long, short], params, model)
    for row, example in enumerate([long, short]):
        alone, _ = losses_of([example], params, model)
        for name, loss in alone.items():
            torch.testing.assert_close(together[name][row], loss[0], rtol=2e-5, atol=2e-6)
    assert measured["delta_accuracy"].count == len(long.steps) + len(short.steps)


def test_padding_never_changes_a_loss_with_stems():
    params = tiny_params()
    model = network(params, stems=True)
    generator = np.random.default_rng(0)
    examples = []
    for example in (song(params=params), song(**SHORT, params=params)):
        shape = (4, *example.mel.shape)
        examples.append(example._replace(stems=generator.random(shape, dtype=np.float32)))
    together, _ = losses_of(examples, params, model)
    silent, _ = losses_of([e._replace(stems=0 * e.stems) for e in examples], params, model)
    for row, example in enumerate(examples):
        alone, _ = losses_of([example], params, model)
        for name, loss in alone.items():
            torch.testing.assert_close(together[name][row], loss[0], rtol=2e-5, atol=2e-6)
    assert not torch.allclose(silent["delta"], together["delta"])
    with pytest.raises(ValueError, match="expected stems"):
        losses_of([examples[0]._replace(stems=None)], params, model)


def test_losses_by_hand():
    """Indifferent heads, then a miss at a rare step. The first step is a cut by delta alone."""
    params = tiny_params(label_smoothing=0.0, jump_weight=7.0, stop_weight=3.0)
    example = song(params=params, runs=((80, 400), (900, 1400)))
    batch = collate([example], stride=params.dimensions.stride)
    jump = int((batch.use_jump[0] == 1).nonzero()[0, 0])
    T, buckets = len(example.steps), params.dimensions.jump_buckets
    outputs = Outputs(
        delta=torch.zeros(1, T, DELTAS),
        jump=torch.zeros(1, T, 2 * buckets),
        use_jump=torch.zeros(1, T),
        stop=torch.zeros(1, T),
        ops=torch.zeros(1, T, OPS),
    )
    losses = pointer_losses(outputs, batch, params=params)
    expected = {"delta": DELTAS, "jump": 2 * buckets, "use_jump": 2, "stop": 2, "ops": OPS}
    for name, classes in expected.items():
        torch.testing.assert_close(losses[name][0], torch.tensor(float(np.log(classes))))
    outputs.use_jump[0, jump] = -20.0  # a miss costs 20, at its weight
    missed = pointer_losses(outputs, batch, params=params)["use_jump"][0].item()
    assert missed == pytest.approx((7 * 20 + (T - 1) * np.log(2)) / (7 + T - 1), rel=1e-4)
    outputs.delta[0, jump, batch.delta[0, jump]] = -20.0  # of 129 equal answers but the right one
    missed = pointer_losses(outputs, batch, params=params)["delta"][0].item()
    known = (T - 2 + 7) * np.log(DELTAS)
    assert missed == pytest.approx((7 * (20 + np.log(DELTAS - 1)) + known) / (14 + T - 2), rel=1e-4)
    outputs.stop[0, -1] = -20.0
    missed = pointer_losses(outputs, batch, params=params)["stop"][0].item()
    assert missed == pytest.approx((3 * 20 + (T - 1) * np.log(2)) / (3 + T - 1), rel=1e-4)


def test_jumps_that_keep_to_the_line_are_not_rare():
    """With `linear` a jump is the usual step; only those at cuts count more."""
    params = tiny_params(expected_position="linear", jump_weight=7.0)
    example = song(params=params)
    batch = collate([example], stride=params.dimensions.stride)
    outputs = network(params)(batch.mel, None, batch.raw_steps, batch.inputs, batch.bucket)
    jumps, cuts = batch.use_jump[0] == 1, batch.cut[0] == 1
    assert jumps.sum() > 10 * cuts.sum()
    single = torch.nn.functional.binary_cross_entropy_with_logits(
        outputs.use_jump[0], jumps.float(), reduction="none"
    )
    weight = torch.where(jumps & cuts, 7.0, 1.0)
    torch.testing.assert_close(
        pointer_losses(outputs, batch, params=params)["use_jump"][0],
        (single * weight).sum() / weight.sum(),
    )


def test_steps_without_source_train_no_pointing_head():
    params = tiny_params()
    example = song(params=params)
    batch = collate([example], stride=params.dimensions.stride)
    silent = batch._replace(
        delta=torch.full_like(batch.delta, -100),
        use_jump=torch.full_like(batch.use_jump, -100),
        cut=torch.full_like(batch.cut, -100),
        bucket=torch.zeros_like(batch.bucket),
    )
    model = network(params)
    outputs = model(batch.mel, None, batch.raw_steps, batch.inputs, batch.bucket)
    losses = pointer_losses(outputs, silent, params=params)
    assert [losses[name].item() for name in ("delta", "jump", "use_jump")] == [0, 0, 0]
    assert losses["stop"].item() > 0 and losses["ops"].item() > 0


def test_bucket_classes_leave_out_zero():
    buckets = [*range(-5, 0), *range(1, 6)]
    classes = bucket_class(torch.tensor(buckets), jump_buckets=5)
    assert classes.tolist() == list(range(10))
    assert class_bucket(classes, jump_buckets=5).tolist() == buckets


def test_gradient_checkpointing_changes_no_gradient():
    example, gradients = song(), []
    for recompute in (False, True):
        params = tiny_params(gradient_checkpointing=recompute)
        model = network(params).train()
        losses, _ = losses_of([example], params, model)
        sum(loss.mean() for loss in losses.values()).backward()
        gradients.append(torch.cat([p.grad.flatten() for p in model.parameters()]))
    torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-6)
