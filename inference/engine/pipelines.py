"""What is loaded, kept for the next render: checkpoints, VAEs and ControlNets, the longest unused going first."""

from __future__ import annotations

import gc
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from inference.engine.devices import Target
from inference.engine.errors import BadIngredient, RenderCancelled
from inference.engine.loading import Model, bytes_of

Key = tuple[Hashable, ...]


class PipelineCache:
    """Loaded networks by what they were loaded from. `limit` bounds the bytes of what is kept, beside the last one."""

    def __init__(self, target: Target, limit: int) -> None:
        self.target, self._limit = target, limit
        self._kept: OrderedDict[Key, tuple[Any, int]] = OrderedDict()

    def __contains__(self, key: Key) -> bool:
        return key in self._kept

    @property
    def bytes(self) -> int:
        """What is kept, in bytes of weights."""
        return sum(weight for _, weight in self._kept.values())

    @property
    def checkpoints(self) -> tuple[str, ...]:
        """The SHA-256s of the checkpoints that are warm, the latest last."""
        return tuple(str(key[1]) for key in self._kept if key[0] == "checkpoint")

    @contextmanager
    def lent(self, key: Key, needed: int, load: Callable[[], Any]) -> Iterator[Any]:
        """What `load` gives, or gave before; it will take about `needed` bytes.

        A fault inside lets it go, for it may be half changed. A render that was stopped between two steps, or that
        refused another file, has left it whole.
        """
        item, weight = self._kept.pop(key, (None, 0))
        if item is None:
            self._make_room(needed)
            item = load()
            weight = _weight(item)
        try:
            yield item
        except (RenderCancelled, BadIngredient):
            self._keep(key, item, weight)
            raise
        except BaseException:
            del item
            self._empty()
            raise
        self._keep(key, item, weight)

    def _keep(self, key: Key, item: Any, weight: int) -> None:
        self._kept[key] = (item, weight)
        self._make_room(0)

    def _make_room(self, needed: int) -> None:
        least = 0 if needed else 1
        while len(self._kept) > least and self.bytes + needed > self._limit:
            self._kept.popitem(last=False)
            self._empty()

    def clear(self) -> None:
        """Let everything go, what only a fault's frames still hold in a ring included."""
        self._kept.clear()
        gc.collect()
        self._empty()

    def _empty(self) -> None:
        if self.target.device.type == "cuda":
            torch.cuda.empty_cache()


def _weight(item: Any) -> int:
    if isinstance(item, Model):
        return item.bytes
    return bytes_of(item) if isinstance(item, nn.Module) else 0
