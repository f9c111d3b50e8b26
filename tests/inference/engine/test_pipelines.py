"""What is kept in memory from one render to the next."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from inference.engine.devices import choose_target
from inference.engine.errors import BadIngredient, RenderCancelled
from inference.engine.pipelines import PipelineCache

SIZE = 4 * 1000


@pytest.fixture
def cache():
    return PipelineCache(choose_target("cpu"), 2 * SIZE)


def _network() -> nn.Module:
    return nn.ParameterList([nn.Parameter(torch.zeros(1000))])


def _use(cache, *names, needed=SIZE):
    for name in names:
        with cache.lent(("checkpoint", name), needed, _network):
            pass


def test_what_was_loaded_is_not_loaded_again(cache):
    with cache.lent(("checkpoint", "a"), SIZE, _network) as first:
        pass
    with cache.lent(("checkpoint", "a"), SIZE, lambda: pytest.fail("loaded again")) as again:
        assert again is first


def test_longest_unused_goes_first(cache):
    _use(cache, "a", "b", "a", "c")

    assert cache.checkpoints == ("a", "c")
    assert cache.bytes == 2 * SIZE


def test_room_is_made_before_loading(cache):
    _use(cache, "a", "b")

    def load():
        assert cache.checkpoints == ("b",)
        return _network()

    with cache.lent(("checkpoint", "c"), SIZE, load):
        pass


def test_one_that_is_larger_than_the_bound_is_kept_alone(cache):
    _use(cache, "a")
    with cache.lent(("checkpoint", "big"), 9 * SIZE, lambda: nn.ParameterList([_network() for _ in range(9)])):
        pass

    assert cache.checkpoints == ("big",)


@pytest.mark.parametrize(
    ("fault", "kept"),
    [
        (RuntimeError("boom"), False),
        (KeyboardInterrupt(), False),
        (RenderCancelled("x"), True),
        (BadIngredient("x"), True),
    ],
)
def test_fault_lets_go_of_what_it_may_have_changed(cache, fault, kept):
    with pytest.raises(type(fault)), cache.lent(("checkpoint", "a"), SIZE, _network):
        raise fault

    assert (("checkpoint", "a") in cache) == kept


def test_clearing_lets_everything_go(cache):
    _use(cache, "a", "b")

    cache.clear()

    assert (cache.bytes, cache.checkpoints) == (0, ())
