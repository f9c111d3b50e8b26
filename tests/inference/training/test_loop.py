"""The loop of the training, with a network of six numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from inference.training.command import Run
from inference.training.loop import Training


class Interrupted(Exception):
    """The machine went away."""


def with_stage(run: Run, **changes: object) -> Run:
    stage = replace(run.recipe.stages["unet"], **changes)
    return replace(run, recipe=replace(run.recipe, stages={"unet": stage}))


def trained(run: Run, *, until: int | None = None) -> tuple[Tensor, Training]:
    torch.manual_seed(3)
    network = nn.Linear(3, 2)
    training = Training("unet", run, {"network": network})

    def loss(draw: np.random.Generator) -> Tensor:
        if training.step == until:
            training._save()
            raise Interrupted
        numbers = torch.from_numpy(draw.random((4, 3), dtype=np.float32)) + 0.01 * torch.randn(4, 3)
        return (network(numbers) - 1).square().mean()

    training.run(loss)
    return network.weight.detach(), training


def test_a_run_that_was_interrupted_ends_as_if_it_had_not_been(run, tmp_path_factory):
    run = with_stage(run, steps=12, average=0.9)
    whole, _ = trained(run)
    other = replace(run, work=tmp_path_factory.mktemp("other"))
    with pytest.raises(Interrupted):
        trained(other, until=7)

    resumed, training = trained(other)

    assert training.step == 12
    assert torch.equal(resumed, whole)


def test_a_finished_run_is_not_trained_again(run):
    run = with_stage(run, steps=5, average=0.0)
    first, _ = trained(run)

    again, training = trained(run)

    assert training.step == 5
    assert torch.equal(again, first)


def test_a_time_limit_ends_a_run_with_steps_left(run):
    _, training = trained(replace(with_stage(run, steps=10**9, average=0.0), minutes=0.001))

    assert 0 < training.step < 10**9
    assert training._optimizer.param_groups[0]["lr"] < training.stage.rate


def test_the_average_takes_the_place_of_the_last_weights(run, tmp_path_factory):
    last, _ = trained(with_stage(run, steps=30, average=0.0))
    other = replace(run, work=tmp_path_factory.mktemp("other"))

    averaged, _ = trained(with_stage(other, steps=30, average=0.9))

    assert not torch.equal(averaged, last)
